"""How far anatomy looks: every bound of this room, with its reason. Beyond a bound the message is named unscannable or
defective; nothing is skipped in silence."""

from __future__ import annotations

from typing import Final

MAX_PARTS: Final = 1_000
"""Parts and members, over all nesting. Honest mail has tens, and Haraka draws the line at the same number."""

MAX_ENTITIES: Final = 2_000
"""Header blocks read, over all nesting and all readings: multiparts are no parts of their own, yet each costs."""

MAX_DEPTH: Final = 50
"""Multiparts, messages and containers inside each other. Forwarding chains reach about ten."""

MAX_HEADER: Final = 256 * 1024
"""Octets read of one header, as at the door (`gateway.mail.message.MAX_HEADER`)."""

MAX_FIELDS: Final = 2_000
"""Fields read of one header. Each costs a microsecond and a few hundred octets of memory."""

MAX_MIME_VALUE: Final = 4 * 1024
"""Octets read of one MIME field. The longest honest ones list a dozen parameters in sections."""

MAX_ADDRESSES: Final = 16 * 1024
"""Octets read of one From or Reply-To. They are read character by character."""

MAX_READINGS: Final = 3
"""Ways of reading one ambiguous part that are followed. Clients split in two or three camps, never more."""

MAX_LOOKED_AT: Final = 1024 * 1024 * 1024
"""Octets searched for boundaries, over all levels. Nesting makes the same octets count again: 50 levels of 50 MB would
be 2.5 GB, some seconds."""

MAX_DECODED: Final = 256 * 1024 * 1024
"""Octets decoded, over all parts and members. Five times the largest mail; a second of base64."""

MAX_MEMBER: Final = 64 * 1024 * 1024
"""Octets unpacked of one archive member. Memory of a worker is bounded, and engines stop at less."""

MAX_UNPACKED: Final = 192 * 1024 * 1024
"""Octets unpacked over all archives of a message."""

MAX_FOREIGN: Final = 64 * 1024 * 1024
"""Octets that libarchive unpacks of a message. Its slowest method, PPMd, gives 20 MB in a second."""

MAX_RATIO: Final = 250
"""How much larger than its packed form a member may be, once it is larger than `RATIO_FLOOR`. Text reaches 20, sheets
full of blanks 100; deflate cannot pass 1032."""

RATIO_FLOOR: Final = 1024 * 1024
"""Below this size a ratio harms nobody: small files of blanks are common."""

MAX_ARCHIVE_DEPTH: Final = 8
"""Archives inside archives. People nest two or three."""

MAX_PASSWORDS: Final = 64
"""Words of a message that are tried as passwords of its archives. Each costs 10 us for each member."""

MAX_SLOW_PASSWORDS: Final = 8
"""The same of locks that are slow on purpose, as 7z has them: each costs a quarter of a second."""

MAX_PASSWORD: Final = 64
"""Characters of such a word."""

MAX_PASSWORD_TEXT: Final = 16 * 1024
"""Characters of text that are searched for passwords."""

MAX_LOCKED: Final = 50
"""Locked members that are tried. The first tells whether the key is known."""

MAX_DECIPHERED: Final = 4 * 1024 * 1024
"""Octets deciphered of a message: two seconds of a cipher that goes octet by octet."""

MAX_NAME: Final = 255
"""Characters of a name, as file systems have it."""

MAX_TEXT: Final = 64 * 1024
"""Characters of visible text kept of a message. The classifier reads the first 20 thousand."""

MAX_HTML: Final = 512 * 1024
"""Characters of one HTML part that are parsed."""

MAX_TEXT_PART: Final = 256 * 1024
"""Octets of one plain text part that are decoded. Four times what is kept."""

MAX_READ: Final = 2 * 1024 * 1024
"""Characters of all text and HTML parts that are searched for links. A parser of trees takes 0.1 s for them."""

MAX_HTML_DEPTH: Final = 5_000
"""Open elements inside each other. The parser's work grows with the square of it: this much costs 25 ms. Spam with
random tags does reach 2,000."""

MAX_ATTRIBUTES: Final = 4_000
"""Attributes of one HTML element. The parser compares each with all before it: this many cost 20 ms."""

MAX_HTML_NODES: Final = 200_000
"""Nodes of one HTML part that are visited."""

MAX_LINKS: Final = 500
"""Links kept of a message. Long newsletters have two hundred."""

MAX_URL: Final = 2_000
"""Characters kept of a URL, the length that browsers and proxies agree on."""

MAX_LINK_TEXT: Final = 300
"""Characters kept of what a link says."""

MAX_SUBJECT: Final = 1_000
"""Characters kept of the subject."""

EXCERPT: Final = 200
"""Characters of visible text that are recorded."""

MAX_STREAMS: Final = 4_000
"""Entries of a compound file. Outlook messages with many recipients have a thousand."""

MAX_MODULES: Final = 200
"""VBA modules of one stream. There is one in each."""

MAX_MODULE: Final = 1024 * 1024
"""Octets of VBA source of one module; the editor itself stops at 64 KiB lines."""

MAX_MARKUP: Final = 16 * 1024 * 1024
"""Octets of one XML part of an Office document that are searched."""

MAX_RELATIONS: Final = 200
"""Relationship parts of an Office document that are read: one for each sheet or slide that has any."""

MAX_OBJECT_STREAMS: Final = 2_000
"""Streams of a PDF that are unpacked to be searched."""

MAX_DOCUMENT_TEXT: Final = 32 * 1024
"""Characters of text kept of all documents of a message. Lures are short."""

MAX_DOCUMENT_OCTETS: Final = 1024 * 1024
"""Octets of one stream or file that are searched for text."""

MAX_PDF_TEXTS: Final = 40
"""Pages of PDF files that are read, and maps of their fonts."""

MAX_PDF_TOKENS: Final = 20_000
"""Strings and operators of one page."""

MAX_PDF_STRINGS: Final = 20_000
"""Strings of an encrypted PDF that are deciphered, at ten microseconds each. Newer files pack them into streams."""

MAX_SLOW_TRIES: Final = 16
"""Wrong passwords that are tried on slow locks, over the whole message: two or three seconds."""

MAX_CARRIED: Final = 20
"""Files that are taken out of one script, page or invitation."""

MIN_CARRIED: Final = 400
"""Characters of base64 that may be a file. Keys and identifiers are shorter."""

MAX_CODE_PIXELS: Final = 4_000_000
"""Pixels of a picture that is searched for QR codes: 20 ms to unpack. Codes come in screenshots, not in photographs."""

MAX_CODE_PICTURES: Final = 8
"""Pictures of a message that are searched. Each costs 1 to 30 ms."""

CODE_SIDE: Final = 1_000
"""Pixels of the longer side that are searched: a code that fills a tenth of it still has four for each module."""

MAX_SHOWN_HTML: Final = 2 * 1024 * 1024
"""Characters of HTML that are sanitised for a person to see."""

MAX_SHOWN_DEPTH: Final = 300
"""Elements inside each other in HTML that is shown, and attributes of one. No letter needs more."""

MAX_SHOWN_NODES: Final = 50_000
"""Tags of HTML that is shown."""

MAX_IMAGE_URI: Final = 400_000
"""Characters of one picture as a data: URI."""

MAX_IMAGES: Final = 50
"""Pictures of a message that are kept for showing."""

MAX_SHOWN_IMAGES: Final = 4 * 1024 * 1024
"""Characters of pictures in one page, counted each time that one is used."""

MAX_PIXELS: Final = 25_000_000
"""Pixels of one picture: 100 MB once unpacked, a good camera's photo."""

MAX_SHOWN_FIELDS: Final = 200
"""Header fields that are shown."""

MAX_SHOWN_VALUE: Final = 2_000
"""Characters of one field that are shown."""
