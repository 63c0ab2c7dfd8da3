from app import app


def test_page_names_flask():
    page = app.test_client().get("/").text
    assert "<td>flask</td>" in page


def test_data_greets():
    assert app.test_client().get("/data.json").json["greeting"] == "Hello"
