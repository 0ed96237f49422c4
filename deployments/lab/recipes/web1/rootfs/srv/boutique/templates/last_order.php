<?php $title = 'Dernière commande' ?>
<section class="heading">
  <h1>Dernière commande</h1>
<?php if ($order === null): ?>
  <p>Aucune commande pour l'instant.</p>
<?php else: ?>
  <p class="number">n°&nbsp;<?= (int) $order['id'] ?></p>
  <p>Passée le <?= h(moment($order['created_at'])) ?>, <?= (int) $order['pieces'] ?> pièce(s),
     <?= euros($order['total']) ?>.<br>Référence <code><?= h($order['reference']) ?></code></p>
<?php endif ?>
</section>
