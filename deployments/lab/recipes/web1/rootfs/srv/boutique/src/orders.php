<?php
declare(strict_types=1);

/** Return the newest order with its lines counted, null before the first one. */
function newest_order(PDO $database): ?array
{
    return row($database, 'SELECT o.id, o.reference, o.customer, o.total, o.created_at,
        (SELECT SUM(quantity) FROM order_lines WHERE order_id = o.id) pieces
        FROM orders o ORDER BY o.id DESC LIMIT 1');
}

/** Record an order and answer its number, only after the database has committed it. */
function answer_order(PDO $database, array $posted): void
{
    header('Content-Type: application/json; charset=utf-8');
    $mistake = mistake_in_order($database, $posted);
    if ($mistake !== '') {
        http_response_code(422);
        print json_encode(['erreur' => $mistake], JSON_UNESCAPED_UNICODE);
        return;
    }
    $number = place_order($database, $posted);
    if (str_contains($_SERVER['HTTP_ACCEPT'] ?? '', 'text/html')) { // a person at a browser, not a program
        header('Location: /commandes/derniere', true, 303);
        return;
    }
    http_response_code(201);
    print json_encode(['commande' => $number, 'reference' => $posted['reference']]);
}

function mistake_in_order(PDO $database, array $posted): string
{
    return match (true) {
        !preg_match('/^[A-Za-z0-9-]{8,64}$/', (string) ($posted['reference'] ?? '')) => 'référence invalide',
        !in_array((int) ($posted['quantite'] ?? 0), range(1, 12), true) => 'quantité entre 1 et 12',
        row($database, 'SELECT id FROM products WHERE id = ?', [(int) ($posted['produit'] ?? 0)]) === null
            => 'produit inconnu',
        default => '',
    };
}

/** Return the number of the order with this reference, made now unless it was made before. */
function place_order(PDO $database, array $posted): int
{
    $reference = $posted['reference'];
    $customer = mb_substr(trim((string) ($posted['client'] ?? '')) ?: 'Client de passage', 0, 120);
    $database->beginTransaction();
    try {
        $call = $database->prepare('CALL place_order(?, ?, ?, ?)');
        $call->execute([$reference, $customer, (int) $posted['produit'], (int) $posted['quantite']]);
        $call->closeCursor();
        $database->commit();
    } catch (PDOException $failure) {
        $database->inTransaction() && $database->rollBack();
        if (($failure->errorInfo[1] ?? 0) !== 1062) { // the same reference twice: a customer's retry
            throw $failure;
        }
    }
    return (int) row($database, 'SELECT id FROM orders WHERE reference = ?', [$reference])['id'];
}
