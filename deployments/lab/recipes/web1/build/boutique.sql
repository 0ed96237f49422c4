-- The shop's database, before its content.
CREATE DATABASE boutique CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE boutique;

CREATE TABLE categories (
  id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  slug VARCHAR(40) NOT NULL UNIQUE,
  name VARCHAR(80) NOT NULL,
  description VARCHAR(255) NOT NULL
) ENGINE=InnoDB;

CREATE TABLE products (
  id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  category_id TINYINT UNSIGNED NOT NULL,
  slug VARCHAR(80) NOT NULL UNIQUE,
  name VARCHAR(120) NOT NULL,
  description TEXT NOT NULL,
  price DECIMAL(8,2) NOT NULL,
  stock INT NOT NULL DEFAULT 0,
  sold INT NOT NULL DEFAULT 0,
  picture VARCHAR(120) NOT NULL,
  glaze_colour BINARY(3) NOT NULL COMMENT 'RGB, not text: a dump must not translate it',
  CONSTRAINT fk_products_category FOREIGN KEY (category_id) REFERENCES categories (id)
) ENGINE=InnoDB;

CREATE TABLE orders (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  reference VARCHAR(64) NOT NULL UNIQUE COMMENT 'made by the customer, so that a retry orders once',
  customer VARCHAR(120) NOT NULL,
  note VARCHAR(255) NOT NULL DEFAULT '',
  total DECIMAL(10,2) NOT NULL DEFAULT 0,
  status ENUM('recue','preparee','expediee','annulee') NOT NULL DEFAULT 'recue',
  created_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)) COMMENT 'UTC',
  KEY created (created_at)
) ENGINE=InnoDB;

CREATE TABLE order_lines (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id INT UNSIGNED NOT NULL,
  product_id SMALLINT UNSIGNED NOT NULL,
  quantity TINYINT UNSIGNED NOT NULL,
  unit_price DECIMAL(8,2) NOT NULL,
  CONSTRAINT fk_lines_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
  CONSTRAINT fk_lines_product FOREIGN KEY (product_id) REFERENCES products (id)
) ENGINE=InnoDB;

CREATE TABLE sales_by_week (
  week CHAR(7) NOT NULL PRIMARY KEY,
  orders INT UNSIGNED NOT NULL,
  total DECIMAL(12,2) NOT NULL
) ENGINE=InnoDB;

-- Left over from the shop's first years, like in many real shops.
CREATE TABLE visits (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  day DATE NOT NULL,
  page VARCHAR(120) NOT NULL,
  visitors INT UNSIGNED NOT NULL,
  KEY day (day)
) ENGINE=MyISAM;
