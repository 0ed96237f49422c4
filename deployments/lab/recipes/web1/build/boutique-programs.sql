-- What the shop keeps in the database besides rows. Made last, so that the first orders are quick to load.
USE boutique;

CREATE DEFINER = boutique@localhost SQL SECURITY DEFINER VIEW best_sellers AS
SELECT id, slug, name, price, picture, sold FROM products ORDER BY sold DESC, id;

DELIMITER //
CREATE DEFINER = boutique@localhost TRIGGER order_lines_after_insert AFTER INSERT ON order_lines FOR EACH ROW
BEGIN
  -- The orders' total and the products' count of sales follow their lines.
  UPDATE orders SET total = total + NEW.quantity * NEW.unit_price WHERE id = NEW.order_id;
  UPDATE products SET sold = sold + NEW.quantity, stock = GREATEST(stock - NEW.quantity, 0)
   WHERE id = NEW.product_id;
END//

CREATE DEFINER = boutique@localhost PROCEDURE place_order(
  IN wanted_reference VARCHAR(64), IN wanted_customer VARCHAR(120),
  IN wanted_product INT, IN wanted_quantity INT)
  MODIFIES SQL DATA
BEGIN
  DECLARE price DECIMAL(8,2) DEFAULT NULL;
  SELECT p.price INTO price FROM products p WHERE p.id = wanted_product;
  IF price IS NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'produit inconnu';
  END IF;
  INSERT INTO orders (reference, customer) VALUES (wanted_reference, wanted_customer);
  INSERT INTO order_lines (order_id, product_id, quantity, unit_price)
  VALUES (LAST_INSERT_ID(), wanted_product, wanted_quantity, price);
END//

CREATE DEFINER = boutique@localhost FUNCTION order_total(wanted INT UNSIGNED) RETURNS DECIMAL(10,2)
  READS SQL DATA
RETURN (SELECT SUM(quantity * unit_price) FROM order_lines WHERE order_id = wanted)//

CREATE DEFINER = boutique@localhost EVENT count_last_week
  ON SCHEDULE EVERY 1 WEEK STARTS '2024-01-01 05:10:00' ON COMPLETION PRESERVE
  COMMENT 'Monday morning: the sales of the week before'
DO
  REPLACE INTO sales_by_week
  SELECT DATE_FORMAT(created_at, '%x-%v'), COUNT(*), SUM(total) FROM orders
  WHERE created_at >= UTC_DATE() - INTERVAL 14 DAY GROUP BY 1//
DELIMITER ;
