<?php $title = 'Indisponible' ?>
<section class="heading">
  <h1>La boutique revient dans un instant</h1>
  <p>Rien de ce que vous avez commandé n'est perdu. Rechargez la page dans une minute.</p>
</section>
