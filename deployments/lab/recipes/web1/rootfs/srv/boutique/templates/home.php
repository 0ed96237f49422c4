<section class="hero">
  <h1>Des pièces faites pour servir tous les jours</h1>
  <p>Grès de Dieulefit, émaux préparés à l'atelier, cuisson à 1&nbsp;280&nbsp;°C.
     <?= h($numbers['products']) ?> pièces au catalogue,
     <?= number_format((int) $numbers['orders'], 0, ',', "\u{202F}") ?> commandes parties de l'atelier.</p>
</section>
<section class="categories">
<?php foreach ($categories as $category): ?>
  <a href="/categorie/<?= h($category['slug']) ?>">
    <strong><?= h($category['name']) ?></strong><span><?= h($category['description']) ?></span>
  </a>
<?php endforeach ?>
</section>
<h2>Les plus demandées</h2>
<section class="grid">
<?php foreach ($favourites as $product) card($product) ?>
</section>
