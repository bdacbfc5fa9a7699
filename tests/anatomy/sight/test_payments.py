"""Letters that name another account to pay to, and those that speak of accounts as honest ones do."""

from __future__ import annotations

import pytest

from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import html, text

FRAUDS = {
    "passive": "Please note that our bank details have changed. Kindly pay invoice 417 to the new account below.",
    "new": "Attached are our new bank account details. Please use them for the outstanding payment.",
    "instructions": "Kindly find the revised wire instructions for the transfer of the deposit.",
    "salary": "I have changed banks. Please use my new direct deposit details for this month's payroll.",
    "German": "Bitte beachten Sie unsere neue Bankverbindung für die Zahlung der Rechnung 417.",
    "German, passive": "Unsere Bankverbindung hat sich geändert. Bitte überweisen Sie die Rechnung dorthin.",
    "French": "Nos coordonnées bancaires ont changé. Merci de régler la facture par virement.",
    "Spanish": "Nuestros datos bancarios han cambiado. Le rogamos realizar el pago de la factura.",
    "Italian": "Le nostre coordinate bancarie sono cambiate, La preghiamo di effettuare il bonifico della fattura.",
    "Dutch": "Ons rekeningnummer is gewijzigd. Graag de factuur op het nieuwe nummer betalen.",
    "Portuguese": "Os nossos dados bancários foram alterados. Por favor efetue o pagamento da fatura.",
}
HONEST = {
    "a thread about an invoice": "Attached is invoice 417, payable in 30 days to the account named on it, as always.",
    "bank details as ever": "Our bank details: IBAN DE89 3704 0044 0532 0130 00. Please pay within 14 days.",
    "a notice of one's own bank": "Your bank details have been updated. Your payment is safe.",
    "news of a bank": "The bank has changed its opening hours. Invoices can be paid at the counter.",
    "a quoted fraud": "Is this from you?\r\n> our bank details have changed, pay the invoice to the new account",
    "no payment": "Our new bank account details page is online, have a look at the design.",
}  # fmt: skip


@pytest.mark.parametrize("words", FRAUDS.values(), ids=FRAUDS.keys())
def test_another_account_is_named(words):
    assert "text.payment_change" in examine(text(words)).content.defects
    assert "text.payment_change" in examine(html(f"<p>{words}</p>")).content.defects


@pytest.mark.parametrize("words", HONEST.values(), ids=HONEST.keys())
def test_what_firms_write_every_day_is_none(words):
    assert "text.payment_change" not in examine(text(words)).content.defects
