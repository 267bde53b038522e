"""Whatever a user has as one Parquet file: files, objects of the notebook, media, the Hub; and out again."""
