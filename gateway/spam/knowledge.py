"""What is known before anything is learnt: tricks that honest mail does not play, and that archives hold too few of;
and names that are nobody's own or often borrowed.

Training starts from the weights and is held to them; evidence moves them. They are few, they speak of intent and not
of looks, and each says in words what it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

KNOWN: Final[Mapping[str, float]] = MappingProxyType(
    {
        "author's name hides characters inside words": 12.0,
        "author's name imitates letters": 6.0,
        "author's name mixes scripts inside a word": 10.0,
        "author's name shows another address": 8.0,
        "subject hides characters inside words": 12.0,
        "subject imitates letters": 6.0,
        "subject mixes scripts inside a word": 10.0,
        "text hides characters inside words": 8.0,
        "text imitates letters": 3.0,
        "text mixes scripts inside a word": 4.0,
        "asks for a password in the message": 10.0,
        "most of its text is hidden": 3.0,
        "link hides its host behind a user name": 10.0,
        "link's host is a bare number": 4.0,
        "link's host is in punycode": 3.0,
        "link's text shows another site": 2.0,
    }
)
"""Fact to weight; one fact counts `features.FACT_VALUE`."""

_COMMON_NAME_WORDS: Final = """
    account accounts admin alert alerts bank best billing card care cash center centre club company contact customer
    customers daily deal deals department digital email family free from global group health help home house info
    insurance international life loan mail marketing media member members money network news newsletter notification
    notifications offer offers official online rewards reward sales security service services shop store support team
    update updates weekly with world your
"""
COMMON_NAME_WORDS: Final = frozenset(_COMMON_NAME_WORDS.split())
"""Words of display names that say nothing about who somebody is."""

_PUBLIC_MAIL: Final = """
    126 163 aol att bellsouth bk bol charter comcast cox daum earthlink excite fastmail foxmail free freenet gmail gmx
    googlemail hanmail hotmail icloud ig inbox interia juno laposte libero list live lycos mac mail mailinator me msn
    naver netzero o2 onet orange outlook pm proton protonmail qq rambler rediffmail rocketmail sbcglobal seznam sina
    sohu terra tiscali tonline tutanota ukr uol verizon virgilio wanadoo web wp yahoo yandex ymail zoho
"""
PUBLIC_MAIL: Final = frozenset(_PUBLIC_MAIL.split())
"""Owners of domains under which anybody may have a mailbox: such a domain tells nothing about its user."""

_BRANDS: Final = """
    acehardware adobe alibaba allstate amazon ameli americanexpress amex anatel apple bankofamerica barclays bestbuy
    binance bitcoin blockchain bradesco capitalone cashapp chase citibank coinbase comcast correios costco dewalt dhl
    discover disney docusign dpd dropbox ebay evri exodus facebook fedex geeksquad geico google harborfreight hermes
    hmrc homedepot hsbc hulu icloud instagram itau kraken kroger laposte ledger linkedin lowes makita mastercard mcafee
    mercadolivre metamask microsoft milwaukee netflix norton nubank office365 onedrive opensea orange outlook paypal
    postbank postfinance roblox royalmail samsung santander sharepoint sparkasse spotify starbucks statefarm steam
    swisscom target telegram tiktok tmobile tractorsupply trustwallet twitter usps venmo verizon visa walgreens walmart
    wellsfargo wetransfer whatsapp xfinity yeti zelle
"""
BRANDS: Final = frozenset(_BRANDS.split())
"""Names that are often borrowed, as bare letters."""
