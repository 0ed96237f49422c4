<?php $title = $category['name'] ?>
<section class="heading">
  <h1><?= h($category['name']) ?></h1>
  <p><?= h($category['description']) ?> <?= count($products) ?> pièces.</p>
</section>
<section class="grid">
<?php foreach ($products as $product) card($product) ?>
</section>
