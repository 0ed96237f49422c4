"""Slack's mrkdwn and Block Kit as HTML."""

import pytest

from deployments.lab.slack_markup import blocks, mistakes, mrkdwn


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("*gras* _italique_ ~barré~", "<strong>gras</strong> <em>italique</em> <s>barré</s>"),
        ("2*3*4 nom_de_fichier_long", "2*3*4 nom_de_fichier_long"),
        ("`*pas gras*`", "<code>*pas gras*</code>"),
        ("*`code` gras*", "<strong><code>code</code> gras</strong>"),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("a & b", "a &amp; b"),
        ("<https://a.test/?x=1&amp;y=2|ici>", 'href="https://a.test/?x=1&amp;y=2"'),
        ("<https://a.test/>", ">https://a.test/</a>"),
        ("<javascript:alert(1)|ici>", "&lt;javascript:alert(1)|ici&gt;"),
        ('<https://a.test/" onclick="x|ici>', "&quot; onclick=&quot;x"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("<!channel> <@U1|Anne>", '<span class="mention">@channel</span>'),
        (":x: non", '<span class="emoji red" title=":x:">✕</span> non'),
        ("✅ oui", '<span class="emoji green" title=":white_check_mark:">✓</span> oui'),
        ("à 10:30:45 :inconnu:", "à 10:30:45 :inconnu:"),
        ("• un", '<div class="item"><i>•</i><div>un</div></div>'),
        ("&gt; cité", '<blockquote><div class="line">cité</div></blockquote>'),
    ],
)
def test_mrkdwn(text: str, markup: str) -> None:
    assert markup in mrkdwn(text)


def test_a_code_block_keeps_every_character_and_ends_where_it_ends() -> None:
    rendered = mrkdwn("avant\n```\n*a* <b> & `c`\n```\naprès")
    assert "<pre>*a* &lt;b&gt; &amp; `c`</pre>" in rendered
    assert rendered.endswith('<div class="line">après</div>')


def test_quoted_lines_stand_in_one_quote() -> None:
    assert mrkdwn("> un\n> deux\ntrois").count("<blockquote>") == 1


def test_plain_text_is_not_styled() -> None:
    rendered = blocks([{"type": "header", "text": {"type": "plain_text", "text": "*a* <b>"}}])
    assert rendered == '<div class="block header">*a* &lt;b&gt;</div>'


def test_fields_and_context_are_shown() -> None:
    field = {"type": "mrkdwn", "text": "*Depuis*\n08:31"}
    rendered = blocks(
        [{"type": "section", "fields": [field]}, {"type": "context", "elements": [field]}]
    )
    assert rendered.count("<strong>Depuis</strong>") == 2
    assert '<div class="fields">' in rendered


def test_more_than_fifty_blocks_are_a_mistake() -> None:
    assert mistakes([{"type": "divider"}] * 50) == []
    assert mistakes([{"type": "divider"}] * 51) == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]
