<?php
// Every request of the shop comes here.
declare(strict_types=1);

$root = dirname(__DIR__);
require "$root/src/database.php";
require "$root/src/catalogue.php";
require "$root/src/orders.php";
require "$root/src/pages.php";

$path = rawurldecode((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$posted = $_SERVER['REQUEST_METHOD'] === 'POST';

try {
    $database = connect(require "$root/config.php");
    match (true) {
        $path === '/commande' && $posted => answer_order($database, $_POST),
        $path === '/' => show('home', home_page($database)),
        $path === '/commandes/derniere' => show('last_order', ['order' => newest_order($database)]),
        (bool) preg_match('#^/categorie/([a-z-]+)$#', $path, $found)
            => show_or_404('category', category_page($database, $found[1])),
        (bool) preg_match('#^/produit/([a-z0-9-]+)$#', $path, $found)
            => show_or_404('product', product_page($database, $found[1])),
        default => show_or_404('', null),
    };
} catch (PDOException $failure) {
    error_log('boutique: ' . $failure->getMessage());
    http_response_code(503);
    header('Retry-After: 5');
    $posted ? print json_encode(['erreur' => 'indisponible']) : show('unavailable', []);
}
