<?php $title = 'Page introuvable' ?>
<section class="heading">
  <h1>Cette page n'existe pas</h1>
  <p>La pièce a peut-être quitté le catalogue. <a href="/">Retour à l'accueil</a></p>
</section>
