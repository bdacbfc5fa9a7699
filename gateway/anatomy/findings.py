"""What is odd about a message, and what could not be looked into: the two closed lists, and the collector that a walk
carries along. Never decides what an oddity is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.anatomy import limits


class Defect(StrEnum):
    """Oddities of a message. The list is closed: policies, pages and the classifier know these words and no others."""

    HEADER_FROM_MISSING = "header.from.missing"
    HEADER_FROM_SEVERAL = "header.from.several"  # two From fields, or two authors in one
    HEADER_DATE_MISSING = "header.date.missing"
    HEADER_REPEATED = "header.repeated"  # a field that RFC 5322 section 3.6 allows once stands twice
    HEADER_MALFORMED = "header.malformed"  # a line that is neither field nor continuation
    HEADER_TOO_LONG = "header.too_long"  # octets or fields beyond the limit were not read
    HEADER_REPLY_TO_ELSEWHERE = "header.reply_to_elsewhere"  # answers go to another domain than the author's
    HEADER_REPLY_TO_FREEMAIL = "header.reply_to_freemail"  # answers go to a free mailbox, the author has a domain
    HEADER_RETURN_PATH_ELSEWHERE = "header.return_path_elsewhere"  # it claims to come from another domain's mailbox
    HEADER_FROM_NAMES_OTHER = "header.from.names_other"  # the display name holds an address of another domain
    LINE_ENDS = "line.ends"  # bare CR or bare LF
    LINE_NUL = "line.nul"
    MIME_AMBIGUOUS = "mime.ambiguous"  # two readings are plausible; both were followed
    MIME_TYPE_MALFORMED = "mime.type_malformed"
    MIME_BOUNDARY_MISSING = "mime.boundary_missing"  # a multipart that names no boundary, or one that never comes
    MIME_UNTERMINATED = "mime.unterminated"  # the closing delimiter is missing
    MIME_PREAMBLE = "mime.preamble"  # long text before the first part, which readers do not show
    MIME_EPILOGUE = "mime.epilogue"  # text after the last part
    MIME_EXTERNAL_BODY = "mime.external_body"  # message/external-body: the content is elsewhere
    MIME_ENCODED_CONTAINER = "mime.encoded_container"  # base64 or quoted-printable around a multipart or message
    ENCODING_UNKNOWN = "encoding.unknown"
    ENCODING_GARBAGE = "encoding.garbage"  # characters inside base64 that do not belong there
    ENCODING_PADDING = "encoding.padding"  # base64 goes on after its padding
    CHARSET_UNKNOWN = "charset.unknown"
    CHARSET_WRONG = "charset.wrong"  # the octets are not in the charset that is declared
    NAME_DOUBLE_EXTENSION = "name.double_extension"
    NAME_RTLO = "name.rtlo"  # characters that turn the direction of a name around
    NAME_INVISIBLE = "name.invisible"
    NAME_LOOKALIKE = "name.lookalike"  # dots or letters of other scripts that look like an extension
    NAME_EXECUTABLE = "name.executable"
    NAME_AMBIGUOUS = "name.ambiguous"  # two names with different extensions
    NAME_LONG_GAP = "name.long_gap"  # blanks that push the extension out of sight
    TYPE_MISMATCH = "type.mismatch"  # the octets are not what name or declared type say
    TYPE_EXECUTABLE = "type.executable"
    TYPE_POLYGLOT = "type.polyglot"  # one format and an archive at the same time
    OFFICE_MACRO = "office.macro"
    OFFICE_AUTOEXEC = "office.autoexec"  # a macro that runs when the document is opened, closed or looked at
    OFFICE_MACRO_REACHES_OUT = "office.macro_reaches_out"  # one that starts programs, or talks to the network
    OFFICE_XLM = "office.xlm"  # a sheet of Excel 4.0 macros
    OFFICE_DDE = "office.dde"
    OFFICE_EXTERNAL_TEMPLATE = "office.external_template"
    OFFICE_EXTERNAL_OBJECT = "office.external_object"  # an object, frame or workbook that is fetched when opened
    OFFICE_EMBEDDED = "office.embedded"  # a file or object inside of the document
    PDF_JAVASCRIPT = "pdf.javascript"
    PDF_LAUNCH = "pdf.launch"  # starts a program
    PDF_OPEN_ACTION = "pdf.open_action"  # does something more than going to a page when it is opened
    PDF_EMBEDDED = "pdf.embedded"
    PDF_ENCRYPTED = "pdf.encrypted"
    PDF_FORM = "pdf.form"  # sends what is filled in, or is an XFA form
    HTML_FORM = "html.form"  # asks its reader to fill something in
    HTML_PASSWORD_FIELD = "html.password_field"
    HTML_SMUGGLING = "html.smuggling"  # a script that makes a file of what it carries
    HTML_DATA_FILE = "html.data_file"  # a link to a file that the URL itself carries
    HTML_HTA = "html.hta"
    SVG_SCRIPT = "svg.script"
    IMAGE_QR_LINK = "image.qr_link"  # a QR code in a picture that leads somewhere
    CALENDAR_FILE = "calendar.file"  # an invitation that carries a file
    SHORTCUT_COMMAND = "shortcut.command"  # a shortcut that starts an interpreter, or fetches
    ARCHIVE_DAMAGED = "archive.damaged"
    ARCHIVE_TRAVERSAL = "archive.traversal"  # a member's name points out of the folder
    ARCHIVE_HIDDEN = "archive.hidden"  # members that the directory does not list
    ARCHIVE_PASSWORD_IN_TEXT = "archive.password_in_text"  # encrypted, and the message itself says how to open it
    TEXT_HIDDEN = "text.hidden"  # text that a reader would not see
    TEXT_TRUNCATED = "text.truncated"  # text or links beyond the limit were not kept
    TEXT_PAYMENT_CHANGE = "text.payment_change"  # it says that money goes to another account from now on
    LINK_MISMATCH = "link.mismatch"  # the text names one host, the link goes to another
    LINK_USERINFO = "link.userinfo"
    LINK_NUMERIC_HOST = "link.numeric_host"
    LINK_PUNYCODE = "link.punycode"
    LINK_MIXED_SCRIPT = "link.mixed_script"  # one label of the host mixes scripts that no language mixes
    LINK_REDIRECT = "link.redirect"  # the URL carries another one, of another domain
    LINK_SHORTENER = "link.shortener"
    LINK_ACTIVE = "link.active"  # javascript:, data:, vbscript:
    TEST_GTUBE = "test.gtube"


class Unscannable(StrEnum):
    """Why some part of a message could not be looked into. Closed, as `Defect` is."""

    MIME_PARTS = "mime.parts"
    MIME_DEPTH = "mime.depth"
    MIME_SIZE = "mime.size"
    MIME_READINGS = "mime.readings"  # more ways to read one part than are followed
    MIME_PARTIAL = "mime.partial"  # message/partial: the rest comes in another message
    MIME_ENCRYPTED = "mime.encrypted"  # S/MIME or PGP
    ENCODING_UNKNOWN = "encoding.unknown"
    ARCHIVE_ENCRYPTED = "archive.encrypted"
    ARCHIVE_RATIO = "archive.ratio"
    ARCHIVE_DEPTH = "archive.depth"
    ARCHIVE_PARTS = "archive.parts"
    ARCHIVE_SIZE = "archive.size"
    ARCHIVE_DAMAGED = "archive.damaged"
    ARCHIVE_UNSUPPORTED = "archive.unsupported"  # formats or methods that we do not open
    DOCUMENT_ENCRYPTED = "document.encrypted"
    HTML_NESTING = "html.nesting"  # too deep or too many attributes to be parsed


@dataclass(slots=True)
class Findings:
    """What one look at one message found so far, and how much of its bounds is used up."""

    defects: dict[Defect, str] = field(default_factory=dict)
    unscannable: dict[Unscannable, None] = field(default_factory=dict)
    entities: int = 0
    parts: int = 0
    looked_at: int = 0
    decoded: int = 0
    unpacked: int = 0
    foreign: int = 0
    pictures: int = 0
    slow_tries: int = 0
    leads: dict[tuple[str, str], None] = field(default_factory=dict)
    documents: dict[tuple[str, str], None] = field(default_factory=dict)
    document_room: int = limits.MAX_DOCUMENT_TEXT

    def read(self, text: str, place: str) -> None:
        """Remember what a document says, and what it is ("pdf", "office"), as far as there is room."""
        text = "\n".join(line for each in text.splitlines() if (line := " ".join(each.split())))
        text = text[: self.document_room]
        if text:
            self.document_room -= len(text)
            self.documents[text, place] = None

    def lead(self, url: str, place: str) -> None:
        """Remember where something that is no text leads to, and what it is ("pdf", "office")."""
        if len(self.leads) < limits.MAX_LINKS:
            self.leads[url[: limits.MAX_URL], place] = None

    def note(self, defect: Defect, evidence: str = "") -> None:
        """Remember an oddity, once, with the first thing that shows it."""
        if not self.defects.get(defect):
            self.defects[defect] = evidence

    def missed(self, reason: Unscannable) -> None:
        """Remember why something could not be looked into, once."""
        self.unscannable[reason] = None

    def may_read_entity(self) -> bool:
        """Count one more header block; False, and remembered, when there are too many."""
        if self.entities >= limits.MAX_ENTITIES:
            self.missed(Unscannable.MIME_PARTS)
            return False
        self.entities += 1
        return True

    def may_add_part(self) -> bool:
        """Count one more part or member; False, and remembered, when there are too many."""
        if self.parts >= limits.MAX_PARTS:
            self.missed(Unscannable.MIME_PARTS)
            return False
        self.parts += 1
        return True

    def may_look_at(self, octets: int) -> bool:
        """Count octets about to be searched; False, and remembered, when that were too many."""
        if self.looked_at + octets > limits.MAX_LOOKED_AT:
            self.missed(Unscannable.MIME_SIZE)
            return False
        self.looked_at += octets
        return True

    def may_spin(self) -> bool:
        """Count one try of a password on a lock that is slow on purpose; False when there were too many."""
        self.slow_tries += 1
        return self.slow_tries <= limits.MAX_SLOW_TRIES

    def may_decode(self, octets: int) -> bool:
        """Count octets about to be decoded; False, and remembered, when that were too many."""
        if self.decoded + octets > limits.MAX_DECODED:
            self.missed(Unscannable.MIME_SIZE)
            return False
        self.decoded += octets
        return True
