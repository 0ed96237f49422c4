<?php
// Settings of the Journal des Rives.
define('DB_NAME', 'journal');
define('DB_USER', 'journal');
define('DB_PASSWORD', '@PASSWORD@');
define('DB_HOST', 'localhost:/run/mysqld/mysqld.sock');
define('DB_CHARSET', 'utf8mb4');
define('WP_CONTENT_DIR', '/srv/journal/wp-content');
define('WP_HOME', 'https://journal.omniweb.test');
define('WP_SITEURL', 'https://journal.omniweb.test');
define('WPLANG', 'fr_FR');
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT',
    'LOGGED_IN_SALT', 'NONCE_SALT'] as $name) {
    define($name, hash('sha256', $name . '@SALT@'));
}
// A page that is read must not wait for another server, nor write.
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISALLOW_FILE_MODS', true);
define('WP_ALLOW_MULTISITE', false);
