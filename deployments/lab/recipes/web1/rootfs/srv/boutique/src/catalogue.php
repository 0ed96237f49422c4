<?php
declare(strict_types=1);

function categories(PDO $database): array
{
    return rows($database, 'SELECT slug, name, description FROM categories ORDER BY id');
}

function home_page(PDO $database): array
{
    return [
        'categories' => categories($database),
        'favourites' => rows($database, 'SELECT slug, name, price, picture, sold FROM best_sellers LIMIT 8'),
        'numbers' => row($database, 'SELECT (SELECT COUNT(*) FROM products) products,
            (SELECT MAX(id) FROM orders) orders'),
    ];
}

function category_page(PDO $database, string $slug): ?array
{
    $category = row($database, 'SELECT id, slug, name, description FROM categories WHERE slug = ?', [$slug]);
    return $category === null ? null : [
        'category' => $category,
        'products' => rows($database, 'SELECT slug, name, price, picture, stock FROM products
            WHERE category_id = ? ORDER BY name', [$category['id']]),
    ];
}

function product_page(PDO $database, string $slug): ?array
{
    $product = row($database, 'SELECT p.*, c.name category, c.slug category_slug
        FROM products p JOIN categories c ON c.id = p.category_id WHERE p.slug = ?', [$slug]);
    return $product === null ? null : [
        'product' => $product,
        'others' => rows($database, 'SELECT slug, name, price, picture FROM products
            WHERE category_id = ? AND id > ? ORDER BY id LIMIT 4', [$product['category_id'], $product['id']]),
    ];
}
