-- Orders of the last 18 months; products are already there. RAND has fixed seeds: two builds hold the same.
USE boutique;
SET @products = (SELECT COUNT(*) FROM products);

INSERT INTO orders (reference, customer, note, status, created_at)
SELECT CONCAT('web-', MD5(seq)),
       CONCAT(ELT(1 + FLOOR(RAND(1) * 12), 'Camille', 'Louise', 'Hélène', 'Zoé', 'Maïa', 'Françoise',
                  'Jean', 'Loïc', 'Rémi', 'Noël', 'Étienne', 'Bastien'), ' ',
              ELT(1 + FLOOR(RAND(2) * 12), 'Martin', 'Lefèvre', 'Garçon', 'Dupré', 'Müller', 'O''Brien',
                  'Nuñez', 'Ledoux', 'D''Artois', 'Faÿ', 'Besançon', 'Le Goff')),
       ELT(1 + FLOOR(RAND(3) * 5), '', 'Paquet cadeau, « joyeux anniversaire »', 'Laisser chez le gardien s''il vous plaît',
           'Interphone 42, 3e étage à gauche', 'Merci pour la dernière fois ! 🏺'),
       COALESCE(ELT(1 + FLOOR(RAND(4) * 20), 'annulee', 'preparee'), 'expediee'),
       UTC_TIMESTAMP(6) - INTERVAL 548 DAY + INTERVAL seq * 789 SECOND
FROM (SELECT seq FROM seq_1_to_60000) numbers;

INSERT INTO order_lines (order_id, product_id, quantity, unit_price)
SELECT o.id, p.id, 1 + FLOOR(RAND(5) * 4), p.price
FROM (SELECT id, 1 + FLOOR(POW(RAND(6), 2) * @products) * 205 % @products product FROM orders) o
JOIN products p ON p.id = o.product;
INSERT INTO order_lines (order_id, product_id, quantity, unit_price)
SELECT o.id, p.id, 1 + FLOOR(RAND(7) * 2), p.price
FROM (SELECT id, 1 + FLOOR(RAND(8) * @products) product FROM orders WHERE id % 3 > 0) o
JOIN products p ON p.id = o.product;

UPDATE orders o JOIN (SELECT order_id, SUM(quantity * unit_price) total FROM order_lines GROUP BY order_id) l
  ON l.order_id = o.id SET o.total = l.total;
UPDATE products p JOIN (SELECT product_id, SUM(quantity) sold FROM order_lines GROUP BY product_id) l
  ON l.product_id = p.id SET p.sold = l.sold;
INSERT INTO sales_by_week
SELECT DATE_FORMAT(created_at, '%x-%v'), COUNT(*), SUM(total) FROM orders GROUP BY 1;
INSERT INTO visits (day, page, visitors)
SELECT CURRENT_DATE - INTERVAL (seq DIV 40) DAY, CONCAT('/produit/', p.slug), FLOOR(RAND(9) * 90)
FROM seq_1_to_20000 JOIN products p ON p.id = 1 + seq % @products;
