<?php
declare(strict_types=1);

/** Draw a river valley and return it as JPEG; each number gives another one. */
function landscape(int $number): string
{
    [$width, $height] = [840, 560];
    $random = new Random\Randomizer(new Random\Engine\Mt19937($number));
    $image = imagecreatetruecolor($width, $height);
    $hours = [[[96, 150, 206], [236, 240, 236]], [[226, 148, 108], [250, 224, 180]],
        [[60, 74, 118], [222, 160, 150]], [[150, 176, 190], [226, 228, 222]], [[42, 96, 150], [190, 222, 236]]];
    [$above, $below] = $hours[$random->getInt(0, 4)];
    for ($y = 0; $y < $height; $y++) {
        $part = min(1, $y / 340);
        $mixed = array_map(fn ($a, $b) => (int) ($a + ($b - $a) * $part), $above, $below);
        imageline($image, 0, $y, $width, $y, imagecolorallocate($image, ...$mixed));
    }
    $sun = $random->getInt(40, 90);
    imagefilledellipse($image, $random->getInt(100, 740), $random->getInt(80, 220), $sun, $sun,
        imagecolorallocatealpha($image, 255, 246, 214, 20));
    for ($layer = 0; $layer < 5; $layer++) {
        draw_hills($image, $random, $layer, $below);
    }
    draw_river($image, $random, $below);
    grain($image, $random, 9000);
    ob_start();
    imagejpeg($image, null, 82);
    return ob_get_clean();
}

/** One range of hills: the further, the paler. */
function draw_hills(GdImage $image, Random\Randomizer $random, int $layer, array $haze): void
{
    $base = 250 + $layer * 62;
    [$slow, $fast, $shift] = [$random->getInt(120, 260), $random->getInt(30, 70), $random->getInt(0, 600)];
    $points = [0, 560];
    for ($x = 0; $x <= 840; $x += 6) {
        $rise = 46 * sin(($x + $shift) / $slow) + 13 * sin(($x + $shift) / $fast) + $random->getInt(0, 3);
        array_push($points, $x, (int) ($base - $rise * (1 - $layer * 0.12)));
    }
    array_push($points, 840, 560);
    $near = ($layer + 1) / 5;
    $green = [58 + $random->getInt(0, 30), 92 + $random->getInt(0, 24), 54];
    $mixed = array_map(fn ($a, $b) => (int) ($a * $near + $b * (1 - $near) * 0.9), $green, $haze);
    imagefilledpolygon($image, $points, imagecolorallocate($image, ...$mixed));
}

function draw_river(GdImage $image, Random\Randomizer $random, array $sky): void
{
    $bend = $random->getInt(60, 150);
    $colour = imagecolorallocate($image, ...array_map(fn ($part) => (int) ($part * 0.86), $sky));
    for ($y = 470; $y < 560; $y++) {
        $depth = ($y - 470) / 90;
        $middle = 420 + $bend * sin($depth * 4 + $bend);
        imageline($image, (int) ($middle - 16 - $depth * 150), $y, (int) ($middle + 16 + $depth * 150), $y, $colour);
    }
}

function grain(GdImage $image, Random\Randomizer $random, int $amount): void
{
    $tones = [imagecolorallocatealpha($image, 255, 255, 255, 112), imagecolorallocatealpha($image, 0, 0, 0, 116)];
    for ($dot = 0; $dot < $amount; $dot++) {
        imagesetpixel($image, $random->getInt(0, 839), $random->getInt(0, 559), $tones[$dot % 2]);
    }
}
