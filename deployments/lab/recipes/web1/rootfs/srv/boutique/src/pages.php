<?php
declare(strict_types=1);

function h(mixed $text): string
{
    return htmlspecialchars((string) $text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function euros(mixed $amount): string
{
    return number_format((float) $amount, 2, ',', "\u{202F}") . "\u{A0}€";
}

function moment(string $utc): string
{
    $time = new DateTimeImmutable($utc, new DateTimeZone('UTC'));
    return $time->setTimezone(new DateTimeZone('Europe/Paris'))->format('d/m/Y à H:i:s');
}

/** Send a page: the template's output inside the shop's frame. */
function show(string $template, array $values): void
{
    header('Content-Type: text/html; charset=utf-8');
    extract($values);
    $title = '';
    ob_start();
    require dirname(__DIR__) . "/templates/$template.php";
    $content = ob_get_clean();
    require dirname(__DIR__) . '/templates/frame.php';
}

function show_or_404(string $template, ?array $values): void
{
    if ($values === null) {
        http_response_code(404);
        show('missing', []);
        return;
    }
    show($template, $values);
}

/** Print a product as a card. */
function card(array $product): void
{
    printf(
        '<a class="card" href="/produit/%s"><img src="/images/%s" alt="%s" width="480" height="480" loading="lazy">'
        . '<span class="name">%3$s</span><span class="price">%s</span></a>',
        h($product['slug']), h($product['picture']), h($product['name']), euros($product['price']),
    );
}
