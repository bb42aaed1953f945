"""Writes a folder that MLServer serves: one small classifier under two names, of
which one tells its inputs, and what scikit-learn itself predicts."""
import json
import pathlib
import sys

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression

folder, http, grpc, metrics = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:5])
rng = np.random.default_rng(7)
x = rng.normal(size=(300, 4)).astype(np.float32)
y = (x @ np.array([1.0, -2.0, 0.5, 0.0]) > 0).astype(int) + (x[:, 3] > 1)
model = LogisticRegression().fit(x, y)
rows = [[round(float(v), 3) for v in row] for row in x[:32]]
asked = np.array(rows, dtype=np.float32)
told = {
    "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
    "outputs": [{"name": "predict", "datatype": "INT64", "shape": [-1, 1]}],
}
for name, metadata in {"told": told, "untold": {}}.items():
    (folder / name).mkdir()
    joblib.dump(model, folder / name / "model.joblib")
    settings = {"name": name, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib", "version": "v1"}}
    (folder / name / "model-settings.json").write_text(json.dumps(settings | metadata))
(folder / "settings.json").write_text(json.dumps({
    "host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics, "parallel_workers": 0,
}))
(folder / "expected.json").write_text(json.dumps({
    "rows": rows, "labels": model.predict(asked).tolist(), "chances": model.predict_proba(asked).tolist(),
}))
