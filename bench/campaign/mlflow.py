"""Writes an MLflow model of two columns, and what scikit-learn itself predicts."""
import json
import pathlib
import sys

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

folder = pathlib.Path(sys.argv[1])
rng = np.random.default_rng(7)
frame = pd.DataFrame({"amount": rng.gamma(2, 50, 300).round(2), "hour": rng.integers(0, 24, 300).astype(float)})
label = ((frame.amount > 120) | (frame.hour < 4)).astype(int)
model = LogisticRegression(max_iter=1000).fit(frame, label)
mlflow.sklearn.save_model(model, str(folder / "model"), signature=infer_signature(frame, model.predict(frame)))
rows = frame.head(6)
(folder / "expected.json").write_text(json.dumps({"rows": rows.values.tolist(), "labels": model.predict(rows).tolist()}))
