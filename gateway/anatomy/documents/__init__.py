"""DOCUMENTS. What Office files, PDF, rich text and shortcuts do by themselves, where they lead, what they carry."""
