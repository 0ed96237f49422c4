"""What clients read in English. The first line of a text is its subject."""

from __future__ import annotations

from flows.decisions.client_news import Phase

_SITES = """\
{% for site in sites %}
  - {{ site }}
{% endfor %}"""

_END = """\

{% if status_url %}
You can follow the situation here: {{ status_url }}

{% endif %}
{% if contact %}
To reach us: {{ contact }}

{% endif %}
{{ agency }}
"""

_NEXT = """\
Next news: as soon as anything changes, and no later than {{ next_news_hours }} hours after this message.
"""

MESSAGES = {
    Phase.DETECTED: """\
Incident affecting your {% if sites|length > 1 %}websites{% else %}website{% endif %}: we are working on it
Hello,

The server that hosts your {% if sites|length > 1 %}websites{% else %}website{% endif %} is having an incident. {% if sites|length > 1 %}They{% else %}It{% endif %} may be out of reach at the moment:

"""
    + _SITES
    + """

{% if since_is_exact %}The incident began on {{ since }}.{% else %}We noticed it on {{ since }}.{% endif %}


We are sorry about this. Our team has been alerted and is preparing to bring
your {% if sites|length > 1 %}websites{% else %}website{% endif %} back from the backups, on another server.

There is nothing you need to do for now. If {% if sites|length > 1 %}one of these sites{% else %}your site{% endif %} still answers, please do not
save anything new there (orders, articles, settings): it might not be kept.

{% if promised_by %}
Our commitment to you: back online by {{ promised_by }} at the latest.
We aim to be earlier.

{% endif %}
"""
    + _NEXT
    + _END,
    Phase.RECOVERING: """\
Your {% if sites|length > 1 %}websites are{% else %}website is{% endif %} being brought back
Hello,

We have started to bring your {% if sites|length > 1 %}websites{% else %}website{% endif %} back, on a new server:

"""
    + _SITES
    + """

The incident {% if since_is_exact %}began{% else %}was noticed{% endif %} on {{ since }}. We are sorry for the trouble.

There is nothing you need to do for now. We will write to you as soon as we have checked that
your {% if sites|length > 1 %}websites answer{% else %}website answers{% endif %} again, and tell you then whether any data is missing.

{% if promised_by %}
Our commitment to you: back online by {{ promised_by }} at the latest.
We aim to be earlier.

{% endif %}
"""
    + _NEXT
    + _END,
    Phase.BACK: """\
Your {% if sites|length > 1 %}websites are{% else %}website is{% endif %} back online
Hello,

Your {% if sites|length > 1 %}websites are{% else %}website is{% endif %} back online. We checked {% if sites|length > 1 %}their{% else %}its{% endif %} pages{% if back_at %} on {{ back_at }}{% endif %}:

"""
    + _SITES
    + """

The incident {% if since_is_exact %}had begun{% else %}had been noticed{% endif %} on {{ since }}.

{% if lost_from %}
What is missing: anything saved {{ lost_between }}
could not be recovered.

What you need to do: check what you or your visitors may have saved during that time (orders, messages,
registrations, articles), and enter again what is missing. Your order confirmation e-mails and payment statements can help you with that.
{% elif data_as_of %}
According to our checks, nothing that was saved before the incident is missing. Please look at
your latest orders and messages all the same, and tell us if anything is missing.
{% else %}
We could not yet establish whether any data is missing. Please look at your latest orders and
messages, and tell us if anything is missing.
{% endif %}

If {% if sites|length > 1 %}a site{% else %}the site{% endif %} does not show for you, wait a few minutes, then reload the page.

We are sorry about this incident. We will write to you once more when it is closed.
"""
    + _END,
    Phase.CLOSED: """\
Incident closed: {{ sites|join(", ") }}
Hello,

The incident {% if since_is_exact %}that began{% else %}noticed{% endif %} on {{ since }} is closed. It concerned:

"""
    + _SITES
    + """

{% if back_at %}
Your {% if sites|length > 1 %}websites have{% else %}website has{% endif %} been back online since {{ back_at }}.

{% endif %}
{% if protected %}
The new server is backed up as the old one was.

{% endif %}
{% if reason %}
{{ reason }}

{% endif %}
{% if lost_from %}
As a reminder: what was saved {{ lost_between }}
must be entered again, if you have not done so yet.

{% endif %}
We apologise once more for the trouble. If you notice anything unusual, please write or call.
"""
    + _END,
}

STATUS_TITLE = "Hosting incident"
STATUS = {
    Phase.DETECTED: (
        "Incident noticed",
        "An incident affects one of our servers. The sites named here may be out of reach. Our "
        "team is preparing to bring them back.",
    ),
    Phase.RECOVERING: (
        "Being brought back",
        "We have started to bring the sites back, on a new server. They return one after another.",
    ),
    Phase.BACK: ("Back online", "Pages checked: {sites}."),
    Phase.CLOSED: ("Incident closed", "The incident is closed."),
}
