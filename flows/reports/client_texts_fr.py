"""What clients read in French. The first line of a text is its subject."""

from __future__ import annotations

from flows.decisions.client_news import Phase

_SITES = """\
{% for site in sites %}
  - {{ site }}
{% endfor %}"""

_END = """\

{% if status_url %}
Vous pouvez suivre la situation ici : {{ status_url }}

{% endif %}
{% if contact %}
Pour nous joindre : {{ contact }}

{% endif %}
{{ agency }}
"""

_NEXT = """\
Prochaine nouvelle : dès que la situation change, et au plus tard {{ next_news_hours }} heures après
ce message.
"""

MESSAGES = {
    Phase.DETECTED: """\
Incident en cours sur {% if sites|length > 1 %}vos sites{% else %}votre site{% endif %} : nous nous en occupons
Bonjour,

Le serveur qui héberge {% if sites|length > 1 %}vos sites{% else %}votre site{% endif %} connaît un incident. {% if sites|length > 1 %}Ils peuvent être inaccessibles{% else %}Il peut être inaccessible{% endif %} en ce moment :

"""
    + _SITES
    + """

{% if since_is_exact %}Début de l'incident : {{ since }}.{% else %}Nous l'avons constaté le {{ since }}.{% endif %}


Nous en sommes désolés. Notre équipe a été alertée et prépare la remise en service à partir des
sauvegardes, sur un autre serveur.

Vous n'avez rien à faire pour l'instant. Si {% if sites|length > 1 %}l'un de ces sites{% else %}votre site{% endif %} répond encore, évitez d'y
enregistrer du nouveau (commandes, articles, réglages) : cela pourrait ne pas être conservé.

{% if promised_by %}
Notre engagement envers vous : un retour en ligne au plus tard le {{ promised_by }}.
Nous visons plus tôt.

{% endif %}
"""
    + _NEXT
    + _END,
    Phase.RECOVERING: """\
Remise en service de {% if sites|length > 1 %}vos sites{% else %}votre site{% endif %} : c'est en cours
Bonjour,

La remise en service de {% if sites|length > 1 %}vos sites{% else %}votre site{% endif %} a commencé, sur un nouveau serveur :

"""
    + _SITES
    + """

L'incident {% if since_is_exact %}a débuté{% else %}a été constaté{% endif %} le {{ since }}. Nous sommes désolés de la gêne.

Vous n'avez rien à faire pour l'instant. Nous vous écrirons dès que nous aurons vérifié que {% if sites|length > 1 %}vos
sites répondent{% else %}votre
site répond{% endif %} de nouveau, et nous vous dirons alors s'il manque des données.

{% if promised_by %}
Notre engagement envers vous : un retour en ligne au plus tard le {{ promised_by }}.
Nous visons plus tôt.

{% endif %}
"""
    + _NEXT
    + _END,
    Phase.BACK: """\
{% if sites|length > 1 %}Vos sites sont{% else %}Votre site est{% endif %} de nouveau en ligne
Bonjour,

{% if sites|length > 1 %}Vos sites sont de nouveau en ligne. Nous avons vérifié leurs pages{% else %}Votre site est de nouveau en ligne. Nous avons vérifié ses pages{% endif %}{% if back_at %} le {{ back_at }}{% endif %} :

"""
    + _SITES
    + """

L'incident {% if since_is_exact %}avait débuté{% else %}avait été constaté{% endif %} le {{ since }}.

{% if lost_from %}
Ce qui manque : ce qui a été enregistré {{ lost_between }}
n'a pas pu être retrouvé.

Ce que vous avez à faire : vérifiez ce que vous ou vos visiteurs avez pu enregistrer à ce moment-là
(commandes, messages, inscriptions, articles), et ressaisissez ce qui manque. Vos courriels de
confirmation de commande et vos relevés de paiement peuvent vous y aider.
{% elif data_as_of %}
D'après nos contrôles, il ne manque rien de ce qui avait été enregistré avant l'incident. Regardez
tout de même vos dernières commandes et vos derniers messages, et dites-nous s'il manque
quelque chose.
{% else %}
Nous n'avons pas encore pu établir si des données manquent. Regardez vos dernières commandes et vos
derniers messages, et dites-nous s'il manque quelque chose.
{% endif %}

Si {% if sites|length > 1 %}un site ne s'affiche{% else %}le site ne s'affiche{% endif %} pas chez vous, patientez quelques minutes, puis rechargez la page.

Nous sommes désolés de cet incident. Nous vous écrirons encore une fois, quand il sera clos.
"""
    + _END,
    Phase.CLOSED: """\
Incident clos : {{ sites|join(", ") }}
Bonjour,

L'incident {% if since_is_exact %}qui a débuté{% else %}constaté{% endif %} le {{ since }} est clos. Il concernait :

"""
    + _SITES
    + """

{% if back_at %}
{% if sites|length > 1 %}Vos sites sont de nouveau en ligne{% else %}Votre site est de nouveau en ligne{% endif %} depuis le {{ back_at }}.

{% endif %}
{% if protected %}
Le nouveau serveur est sauvegardé comme l'était l'ancien.

{% endif %}
{% if reason %}
{{ reason }}

{% endif %}
{% if lost_from %}
Rappel : ce qui a été enregistré {{ lost_between }}
est à ressaisir, si ce n'est déjà fait.

{% endif %}
Nous vous prions encore d'excuser la gêne. Si vous remarquez quoi que ce soit d'anormal,
écrivez-nous ou appelez-nous.
"""
    + _END,
}

STATUS_TITLE = "Incident d'hébergement"
STATUS = {
    Phase.DETECTED: (
        "Incident constaté",
        "Un incident touche un de nos serveurs. Les sites nommés ici peuvent être inaccessibles. "
        "Notre équipe prépare leur remise en service.",
    ),
    Phase.RECOVERING: (
        "Remise en service en cours",
        "La remise en service a commencé, sur un nouveau serveur. Les sites reviennent l'un après "
        "l'autre.",
    ),
    Phase.BACK: ("De nouveau en ligne", "Pages vérifiées : {sites}."),
    Phase.CLOSED: ("Incident clos", "L'incident est clos."),
}
