<?php
// Fill the shop's catalogue: 24 shapes in 22 glazes, each with its own drawn picture.
// Usage: catalogue.php PICTURES_DIRECTORY   (run as root: the database's socket account)
declare(strict_types=1);

const SIZE = 480;
mt_srand(20240917);
[$categories, $shapes, $glazes] = require __DIR__ . '/catalogue-data.php';
$pictures = $argv[1];

/** Half the width of a shape at a height from 0 (rim) to 1 (foot): a Catmull-Rom line through its points. */
function half_width(array $points, float $height): float
{
    $position = $height * (count($points) - 1);
    $index = min((int) $position, count($points) - 2);
    [$here, $next] = [$points[$index], $points[$index + 1]];
    [$before, $after] = [$points[$index - 1] ?? $here, $points[$index + 2] ?? $next];
    $part = $position - $index;
    return 0.5 * (2 * $here + ($next - $before) * $part
        + (2 * $before - 5 * $here + 4 * $next - $after) * $part ** 2
        + (3 * $here - $before - 3 * $next + $after) * $part ** 3);
}

/** One line of light across a round body, to be stretched to every width. */
function light(array $colour): GdImage
{
    $strip = imagecreatetruecolor(256, 1);
    for ($x = 0; $x < 256; $x++) {
        $side = ($x - 96) / 160; // the light comes from the left
        $shade = max(0.28, 1.06 - 0.72 * $side * $side) + ($x > 60 && $x < 84 ? 0.10 : 0);
        $parts = array_map(fn ($part) => (int) min(255, $part * $shade), $colour);
        imagesetpixel($strip, $x, 0, imagecolorallocate($strip, ...$parts));
    }
    return $strip;
}

function draw(array $shape, array $colour, string $file): void
{
    $image = imagecreatetruecolor(SIZE, SIZE);
    for ($y = 0; $y < SIZE; $y++) {
        $tone = 246 - (int) ($y / SIZE * 26) - ($y > 372 ? 14 : 0);
        imageline($image, 0, $y, SIZE, $y, imagecolorallocate($image, $tone, $tone - 4, $tone - 12));
    }
    imagefilledellipse($image, 262, 404, (int) (end($shape['points']) * 2.6) + 60, 34, imagecolorallocate($image, 190, 182, 170));
    $strips = [light($colour), light([176, 148, 120])]; // glaze, and bare clay at the foot
    $top = 404 - $shape['height'];
    for ($y = 0; $y < $shape['height']; $y++) {
        $half = (int) half_width($shape['points'], $y / $shape['height']);
        $bare = $y > $shape['height'] * 0.86 + 5 * sin($y + $half);
        imagecopyresampled($image, $strips[(int) $bare], 240 - $half, $top + $y, 0, 0, 2 * $half, 1, 256, 1);
    }
    $rim = (int) $shape['points'][0];
    imagefilledellipse($image, 240, $top, 2 * $rim, (int) ($rim * 0.36), imagecolorallocate($image, ...array_map(fn ($p) => (int) ($p * 0.62), $colour)));
    imagesetthickness($image, 2);
    imageellipse($image, 240, $top, 2 * $rim, (int) ($rim * 0.36), imagecolorallocate($image, ...array_map(fn ($p) => min(255, $p + 26), $colour)));
    for ($speck = 0; $speck < 160; $speck++) { // iron in the clay: every piece is its own
        $y = mt_rand(12, $shape['height'] - 4);
        $half = (int) (half_width($shape['points'], $y / $shape['height']) * 0.94);
        imagesetpixel($image, 240 + mt_rand(-$half, $half), $top + $y, imagecolorallocatealpha($image, 60, 44, 34, 80));
    }
    imagejpeg($image, $file, 84);
}

function slug(string $text): string
{
    $plain = strtr(mb_strtolower($text), ['à' => 'a', 'â' => 'a', 'é' => 'e', 'è' => 'e', 'ê' => 'e',
        'î' => 'i', 'ï' => 'i', 'ô' => 'o', 'û' => 'u', 'ç' => 'c', 'œ' => 'oe']);
    return trim(preg_replace('/[^a-z0-9]+/', '-', $plain), '-');
}

$database = new PDO('mysql:unix_socket=/run/mysqld/mysqld.sock;dbname=boutique;charset=utf8mb4', 'root');
$database->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
$database->beginTransaction();
$category = $database->prepare('INSERT INTO categories VALUES (?, ?, ?, ?)');
foreach ($categories as $id => $values) {
    $category->execute([$id, ...$values]);
}
$product = $database->prepare('INSERT INTO products
    (category_id, slug, name, description, price, stock, picture, glaze_colour) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
foreach ($shapes as $shape) {
    @mkdir("$pictures/" . slug($shape['name']), 0755, true);
    foreach ($glazes as $glaze) {
        $name = "{$shape['name']}, {$glaze['name']}";
        $picture = slug($shape['name']) . '/' . slug($glaze['name']) . '.jpg';
        draw($shape, $glaze['colour'], "$pictures/$picture");
        $product->execute([$shape['category'], slug($name), $name, "{$shape['text']}\n{$glaze['text']}",
            $shape['price'] + mt_rand(0, 8), mt_rand(40, 400), $picture, pack('C3', ...$glaze['colour'])]);
    }
}
$database->commit();
