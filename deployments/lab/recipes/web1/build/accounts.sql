-- Database accounts. @journal_password and @boutique_password are set by the caller.
CREATE DATABASE journal CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

EXECUTE IMMEDIATE CONCAT('CREATE USER journal@localhost IDENTIFIED BY ', QUOTE(@journal_password));
GRANT ALL PRIVILEGES ON journal.* TO journal@localhost;

EXECUTE IMMEDIATE CONCAT('CREATE USER boutique@localhost IDENTIFIED BY ', QUOTE(@boutique_password));
GRANT ALL PRIVILEGES ON boutique.* TO boutique@localhost;

-- The shop's accountant: reads through a role, sees no customer's name.
CREATE ROLE accounting;
GRANT SELECT ON boutique.sales_by_week TO accounting;
GRANT SELECT (id, total, status, created_at) ON boutique.orders TO accounting;
EXECUTE IMMEDIATE CONCAT('CREATE USER accountant@localhost IDENTIFIED BY ', QUOTE(UUID()),
                         ' WITH MAX_USER_CONNECTIONS 2');
GRANT accounting TO accountant@localhost;
SET DEFAULT ROLE accounting FOR accountant@localhost;

-- The backup tool. It has no password that works until production.configure() sets one.
CREATE USER continuity@localhost IDENTIFIED VIA mysql_native_password USING 'invalid',
            continuity@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING 'invalid';
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR, REPLICATION SLAVE, CONNECTION ADMIN,
      SELECT, SHOW DATABASES, SHOW VIEW, EVENT, TRIGGER
   ON *.* TO continuity@localhost, continuity@'127.0.0.1';
GRANT ALL PRIVILEGES ON continuity.* TO continuity@localhost, continuity@'127.0.0.1';
