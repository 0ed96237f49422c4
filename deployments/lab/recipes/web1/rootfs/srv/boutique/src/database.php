<?php
declare(strict_types=1);

/** Open the database; every failure is a PDOException. */
function connect(array $settings): PDO
{
    $pdo = new PDO($settings['dsn'], $settings['user'], $settings['password'], [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        PDO::ATTR_EMULATE_PREPARES => false,
        PDO::ATTR_TIMEOUT => 3,
    ]);
    $pdo->exec("SET time_zone = '+00:00', lock_wait_timeout = 5, innodb_lock_wait_timeout = 5");
    return $pdo;
}

/** Return all rows of a query. */
function rows(PDO $database, string $query, array $values = []): array
{
    $statement = $database->prepare($query);
    $statement->execute($values);
    return $statement->fetchAll();
}

/** Return the first row of a query, null if there is none. */
function row(PDO $database, string $query, array $values = []): ?array
{
    return rows($database, $query, $values)[0] ?? null;
}
