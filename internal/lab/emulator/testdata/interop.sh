# Walks the emulator with the AWS CLI. AWS_ENDPOINT_URL says where it is.
set -eu
export AWS_PAGER=
cd "$(mktemp -d)"
printf '1,0.9,1\n0,0.1,1\n1,0.8,2\n0,0.2,2\n' > train.csv
aws sts get-caller-identity --query Account --output text
aws s3 mb s3://cli
aws s3 cp train.csv s3://cli/train/train.csv
aws s3 ls s3://cli/train/
aws s3 cp s3://cli/train/train.csv back.csv
cmp train.csv back.csv
aws s3 sync s3://cli/train copy
head -c 20000000 /dev/urandom > big
aws s3 cp --no-progress big s3://cli/big
aws s3 cp --no-progress s3://cli/big big.back
cmp big big.back
aws sagemaker create-training-job --training-job-name cli --role-arn arn:aws:iam::000000000000:role/betimes \
  --algorithm-specification TrainingImage=builtin:linear-learner,TrainingInputMode=File --hyper-parameters predictor_type=binary_classifier \
  --input-data-config '[{"ChannelName":"train","ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://cli/train/"}}}]' \
  --output-data-config S3OutputPath=s3://cli/models --stopping-condition MaxRuntimeInSeconds=60 \
  --resource-config InstanceType=ml.c5.xlarge,InstanceCount=1,VolumeSizeInGB=10
aws sagemaker wait training-job-completed-or-stopped --training-job-name cli
artefact=$(aws sagemaker describe-training-job --training-job-name cli --query ModelArtifacts.S3ModelArtifacts --output text)
aws sagemaker create-model --model-name cli --primary-container Image=builtin:linear-learner,ModelDataUrl="$artefact"
aws sagemaker create-endpoint-config --endpoint-config-name cli \
  --production-variants VariantName=all,ModelName=cli,InitialInstanceCount=1,InstanceType=ml.c5.xlarge
aws sagemaker create-endpoint --endpoint-name cli --endpoint-config-name cli
aws sagemaker wait endpoint-in-service --endpoint-name cli
printf '0.9,1' > body
aws sagemaker-runtime invoke-endpoint --endpoint-name cli --content-type text/csv --body fileb://body answer
cat answer
grep -q '"predicted_label":1' answer
aws sagemaker delete-endpoint --endpoint-name cli
aws sagemaker wait endpoint-deleted --endpoint-name cli
aws s3 rm --recursive s3://cli
aws s3 rb s3://cli
