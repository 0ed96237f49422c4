<?php
// The site's own settings live with the site, so that a copy of /srv/journal is complete.
require '/srv/journal/wp-config.php';
