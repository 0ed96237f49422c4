<?php
// Write the sales of the day or of the week into reports/, for the shop's owner. Called by cron.
declare(strict_types=1);

$root = dirname(__DIR__);
require "$root/src/database.php";

$period = $argv[1] ?? 'today';
$days = ['today' => 1, 'week' => 7][$period] ?? exit("usage: sales-report.php today|week\n");
$database = connect(require "$root/config.php");
$sales = rows($database, 'SELECT DATE(created_at) day, COUNT(*) orders, SUM(total) total FROM orders
    WHERE created_at >= UTC_DATE() - INTERVAL ? DAY GROUP BY day ORDER BY day', [$days - 1]);

$lines = [sprintf('Ventes au %s (UTC)', gmdate('d/m/Y H:i'))];
foreach ($sales as $day) {
    $lines[] = sprintf('%s  %5d commandes  %10s EUR', $day['day'], $day['orders'], $day['total']);
}
// Renamed into place: a reader never sees half a report.
$target = "$root/reports/" . ['today' => 'ventes-du-jour', 'week' => 'ventes-de-la-semaine'][$period] . '.txt';
file_put_contents("$target.new", implode("\n", $lines) . "\n");
rename("$target.new", $target);
