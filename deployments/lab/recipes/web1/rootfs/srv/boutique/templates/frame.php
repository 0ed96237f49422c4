<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?= h($title !== '' ? "$title – " : '') ?>Atelier Verdier, céramique d'usage</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
  <a class="brand" href="/">Atelier Verdier <small>céramique d'usage, tournée dans la Drôme</small></a>
  <nav>
    <a href="/categorie/table">La table</a>
    <a href="/categorie/cuisine">La cuisine</a>
    <a href="/categorie/maison">La maison</a>
    <a href="/categorie/jardin">Le jardin</a>
  </nav>
</header>
<main>
<?= $content ?>
</main>
<footer>
  <p>Atelier Verdier, 4 chemin des Argiles, 26220 Dieulefit. Ouvert du mardi au samedi, 10 h – 18 h.</p>
  <p><a href="/commandes/derniere">Dernière commande</a></p>
</footer>
</body>
</html>
