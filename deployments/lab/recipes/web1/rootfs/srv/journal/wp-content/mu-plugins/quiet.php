<?php
/*
 * Plugin Name: Pages without outside calls
 * Description: The journal's pages ask nothing of other servers and write nothing while they are read.
 */
remove_action('wp_head', 'print_emoji_detection_script', 7);
remove_action('wp_print_styles', 'print_emoji_styles');
remove_action('init', 'wp_schedule_update_checks');
add_filter('emoji_svg_url', '__return_false');
