<?php
// Install the journal's WordPress and fill it. Run as the user journal, database reachable by socket.
declare(strict_types=1);

const DOMAIN = 'journal.omniweb.test';
$_SERVER += ['HTTP_HOST' => DOMAIN, 'HTTPS' => 'on', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REQUEST_METHOD' => 'GET'];
$_SERVER['HTTP_HOST'] = DOMAIN;
define('WP_INSTALLING', true);
function wp_mail(): bool { return true; } // nobody to write to while the image is built

require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/image.php';
require __DIR__ . '/pictures.php';
$texts = require __DIR__ . '/journal-texts.php';
mt_srand(20231106);

wp_install('Le Journal des Rives', 'redaction', 'redaction@omniweb.test', true, '', bin2hex(random_bytes(12)), 'fr_FR');
foreach ([1, 2, 3] as $sample) {
    wp_delete_post($sample, true); // "Hello world" and its like
}
switch_theme('twentytwentythree');
foreach ([
    'blogdescription' => 'Les nouvelles de la vallée, deux fois par semaine',
    'permalink_structure' => '/%year%/%monthnum%/%postname%/',
    'show_avatars' => '0', // they would be fetched from outside
    'timezone_string' => 'Europe/Paris',
    'date_format' => 'j F Y',
    'posts_per_page' => '9',
    'default_pingback_flag' => '',
    'default_ping_status' => 'closed',
] as $option => $value) {
    update_option($option, $value);
}
add_filter('intermediate_image_sizes', fn () => ['thumbnail', 'medium']);
wp_defer_term_counting(true);
wp_defer_comment_counting(true);
wp_suspend_cache_addition(true);

/** Draw one photograph, put it into the folder of its month and register it. */
function add_photograph(int $number, string $title): int
{
    $month = sprintf('%d/%02d', 2021 + intdiv($number, 84) % 4, 1 + intdiv($number, 7) % 12);
    $upload = wp_upload_bits(sprintf('vallee-%03d.jpg', $number), null, landscape($number), $month);
    $id = wp_insert_attachment([
        'post_mime_type' => 'image/jpeg', 'post_title' => $title, 'post_content' => '',
        'post_status' => 'inherit', 'post_date' => str_replace('/', '-', $month) . '-12 09:30:00',
        'guid' => $upload['url'],
    ], $upload['file'], 0, true);
    is_wp_error($id) && throw new RuntimeException($id->get_error_message());
    wp_update_attachment_metadata($id, wp_generate_attachment_metadata($id, $upload['file']));
    return $id;
}

function paragraph(string $text): string
{
    return "<!-- wp:paragraph --><p>$text</p><!-- /wp:paragraph -->\n";
}

function figure(int $photograph): string
{
    $url = wp_get_attachment_url($photograph);
    $caption = get_the_title($photograph);
    return "<!-- wp:image {\"id\":$photograph,\"sizeSlug\":\"full\"} --><figure class=\"wp-block-image size-full\">"
        . "<img src=\"$url\" alt=\"$caption\" class=\"wp-image-$photograph\"/>"
        . "<figcaption class=\"wp-element-caption\">$caption</figcaption></figure><!-- /wp:image -->\n";
}

/** A body of `$length` paragraphs, different for each number, with a photograph in its middle. */
function body(array $sentences, int $number, int $photograph, int $length): string
{
    $parts = [];
    for ($part = 0; $part < $length; $part++) {
        $chosen = array_map(fn ($step) => $sentences[($number * 5 + $part * 4 + $step) % count($sentences)], [0, 1, 2, 3]);
        $parts[] = paragraph(implode(' ', $chosen));
    }
    array_splice($parts, 1, 0, [figure($photograph)]);
    return implode('', $parts);
}

$photographs = [];
for ($number = 0; $number < 324; $number++) {
    $photographs[] = add_photograph($number, $texts['places'][$number % count($texts['places'])]);
}
$categories = array_map(fn ($name) => wp_create_category($name), $texts['categories']);
foreach ($texts['headlines'] as $number => $headline) {
    $date = gmdate('Y-m-d H:i:s', strtotime('2024-11-28 07:00:00 UTC') - $number * 277200);
    $id = wp_insert_post([
        'post_title' => $headline, 'post_status' => 'publish', 'post_author' => 1, 'post_date' => $date,
        'post_category' => [$categories[$number % count($categories)]],
        'post_content' => wp_slash(body($texts['sentences'], $number, $photographs[$number * 7], 4)),
    ], true);
    set_post_thumbnail($id, $photographs[$number * 8]);
    foreach (array_slice($texts['comments'], $number % 6, 1 + $number % 4) as $rank => [$author, $comment]) {
        wp_insert_comment(['comment_post_ID' => $id, 'comment_author' => $author, 'comment_content' => $comment,
            'comment_author_email' => "lecteur$rank@omniweb.test", 'comment_approved' => 1,
            'comment_date' => gmdate('Y-m-d H:i:s', strtotime($date) + 3600 * (1 + $rank * 5))]);
    }
}
$parent = 0;
foreach ($texts['pages'] as $number => $title) {
    // The menu lists the first four; the others unfold below the last of them.
    $id = wp_insert_post(['post_parent' => $number > 3 ? $parent : 0,
        'post_type' => 'page', 'post_title' => $title, 'post_status' => 'publish', 'post_author' => 1,
        'menu_order' => $number, 'post_date' => '2021-02-01 08:00:00',
        'post_content' => wp_slash(body($texts['sentences'], 40 + $number, $photographs[$number * 11], 3))]);
    $parent = $number === 3 ? $id : $parent;
}
wp_defer_term_counting(false);
wp_defer_comment_counting(false);
$wp_rewrite->init();
$wp_rewrite->flush_rules(false);
$counts = [wp_count_posts()->publish, wp_count_posts('page')->publish, count($photographs)];
vprintf("journal: %d posts, %d pages, %d photographs\n", $counts);
