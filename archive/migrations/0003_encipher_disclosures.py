from django.db import migrations, models


class Migration(migrations.Migration):
    """What was kept in clear is enciphered after the migrate, by archive.disclosures."""

    dependencies = [("archive", "0002_cosignature_and_timestamp_token")]

    operations = [
        migrations.AlterField(
            model_name="disclosure",
            name="digest",
            field=models.CharField(
                help_text="base64url(SHA-256(disclosure))", max_length=43, unique=True
            ),
        ),
        migrations.AlterField(
            model_name="disclosure",
            name="text",
            field=models.TextField(
                help_text="The disclosure, enciphered; the key is not in the database.", null=True
            ),
        ),
    ]
