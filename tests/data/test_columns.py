"""Kinds of columns, and names as SQL takes them."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrain.data.columns import Kind, kind_of, literal, quoted


@pytest.mark.parametrize(("expression", "kind"), [
    ("1::TINYINT", Kind.INTEGER), ("1::UHUGEINT", Kind.INTEGER), ("1.5::FLOAT", Kind.NUMBER),
    ("1::DECIMAL(20, 3)", Kind.NUMBER), ("true", Kind.BOOLEAN), ("'a'", Kind.TEXT), ("'a'::ENUM('a', 'b]')", Kind.TEXT),
    ("uuid()", Kind.TEXT), ("DATE '2020-01-01'", Kind.DATE), ("now()", Kind.DATE), ("TIME '12:00'", Kind.TIME),
    ("INTERVAL 1 DAY", Kind.DURATION), ("'a'::BLOB", Kind.BINARY), ("[1]", Kind.NESTED), ("{'a': 1}", Kind.NESTED),
    ("MAP {'a': 1}", Kind.NESTED), ("[1, 2]::INTEGER[2]", Kind.NESTED), ("[DATE '2020-01-01']", Kind.NESTED),
])
def test_kind_of_each_type(expression, kind):
    with duckdb.connect() as connection:
        assert kind_of(connection.sql(f"SELECT typeof({expression})").fetchall()[0][0]) is kind


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_names_and_texts_come_through_sql_as_they_are(text):
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT {literal(text)} AS {quoted(text)}")
        assert found.columns == [text]
        assert found.fetchall() == [(text,)]
