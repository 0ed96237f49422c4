<?php $title = $product['name'] ?>
<p class="trail"><a href="/">Accueil</a> › <a href="/categorie/<?= h($product['category_slug']) ?>"><?= h($product['category']) ?></a></p>
<section class="product">
  <img src="/images/<?= h($product['picture']) ?>" alt="<?= h($product['name']) ?>" width="480" height="480">
  <div>
    <h1><?= h($product['name']) ?></h1>
    <p class="price"><?= euros($product['price']) ?></p>
<?php foreach (explode("\n", $product['description']) as $paragraph): ?>
    <p><?= h($paragraph) ?></p>
<?php endforeach ?>
    <p class="stock"><?= (int) $product['stock'] ?> en stock, expédiée sous 48 heures</p>
    <form method="post" action="/commande">
      <input type="hidden" name="produit" value="<?= (int) $product['id'] ?>">
      <input type="hidden" name="reference" value="web-<?= bin2hex(random_bytes(8)) ?>">
      <label>Quantité <input type="number" name="quantite" value="1" min="1" max="12"></label>
      <label>Votre nom <input type="text" name="client" maxlength="120" required></label>
      <button>Commander</button>
    </form>
  </div>
</section>
<h2>Dans la même série</h2>
<section class="grid">
<?php foreach ($others as $other) card($other) ?>
</section>
