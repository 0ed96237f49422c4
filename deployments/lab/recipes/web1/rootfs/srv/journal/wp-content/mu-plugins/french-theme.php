<?php
/*
 * Plugin Name: The theme's words in French
 * Description: Debian ships no translations of the theme; these are the ones that the journal shows.
 */
const FRENCH_THEME = [
    'Posted' => 'Publié le', 'in' => 'dans', 'by' => 'par', 'Tags:' => 'Mots-clés :', 'Comments' => 'Commentaires',
    'Got any book recommendations?' => 'Une nouvelle à nous signaler ?', 'Get In Touch' => 'Écrire à la rédaction',
    'This page could not be found.' => 'Cette page est introuvable.', 'Search' => 'Chercher', 'Search...' => 'Chercher…',
    'Proudly powered by %s' => 'Imprimé avec %s',
];
$translate = fn ($translated, $text) => FRENCH_THEME[$text] ?? $translated;
add_filter('gettext_twentytwentythree', $translate, 10, 2);
add_filter('gettext_with_context_twentytwentythree', $translate, 10, 2);
