"""One file per specification: its check, its grant or endpoint, and its `FEATURE`.

None imports another; what two of them need lives in `tokens`, `grants`, `clients`, `resources` or `pipeline`.
"""
