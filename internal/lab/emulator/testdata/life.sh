# Walks the emulator with an AWS CLI, 1 or 2; $1 is its program. AWS_ENDPOINT_URL says where the emulator is.
set -eu
export AWS_PAGER=
cli=$1
aws() { "$cli" --endpoint-url "$AWS_ENDPOINT_URL" "$@"; } # the variable is newer than the CLI 2 of Debian 12
# refused TEXT COMMAND…: the command must fail, and say TEXT to its user.
refused() {
  text=$1
  shift
  if aws "$@" > said 2>&1; then
    echo "was not refused: $*"
    exit 1
  fi
  grep -qF -- "$text" said || { cat said; echo "did not say: $text"; exit 1; }
}
role=arn:aws:iam::000000000000:role/betimes
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

# S3, with an upload in parts.
printf '1,0.9,1\n0,0.1,1\n1,0.8,2\n0,0.2,2\n' > train.csv
test "$(aws sts get-caller-identity --query Account --output text)" = 000000000000
aws s3 mb s3://cli
aws s3 cp train.csv s3://cli/train/train.csv
aws s3 ls s3://cli/train/ | grep -q train.csv
aws s3 cp s3://cli/train/train.csv back.csv
cmp train.csv back.csv
aws s3 sync s3://cli/train copy
cmp train.csv copy/train.csv
head -c 20000000 /dev/urandom > big
aws s3 cp --no-progress big s3://cli/big
aws s3 cp --no-progress s3://cli/big big.back
cmp big big.back

# Training and registry.
aws sagemaker create-training-job --training-job-name cli --role-arn $role \
  --algorithm-specification TrainingImage=builtin:linear-learner,TrainingInputMode=File --hyper-parameters predictor_type=binary_classifier \
  --input-data-config '[{"ChannelName":"train","ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://cli/train/"}}}]' \
  --output-data-config S3OutputPath=s3://cli/models --stopping-condition MaxRuntimeInSeconds=60 \
  --resource-config InstanceType=ml.c5.xlarge,InstanceCount=1,VolumeSizeInGB=10
aws sagemaker wait training-job-completed-or-stopped --training-job-name cli
artefact=$(aws sagemaker describe-training-job --training-job-name cli --query ModelArtifacts.S3ModelArtifacts --output text)
aws sagemaker create-model-package-group --model-package-group-name cli
package=$(aws sagemaker create-model-package --model-package-group-name cli --query ModelPackageArn --output text \
  --inference-specification "Containers=[{Image=builtin:linear-learner,ModelDataUrl=$artefact}],SupportedContentTypes=text/csv,SupportedResponseMIMETypes=application/json")
refused ValidationException sagemaker create-model --model-name cli --execution-role-arn $role --primary-container "ModelPackageName=$package"
aws sagemaker update-model-package --model-package-arn "$package" --model-approval-status Approved
aws sagemaker create-model --model-name cli --execution-role-arn $role --primary-container "ModelPackageName=$package"

# An endpoint, from its creation to the wait for it: that ends when it is in service.
for count in 1 2; do
  aws sagemaker create-endpoint-config --endpoint-config-name "cli-$count" \
    --production-variants "VariantName=all,ModelName=cli,InitialInstanceCount=$count,InstanceType=ml.c5.xlarge"
done
aws sagemaker create-endpoint --endpoint-name cli --endpoint-config-name cli-1
aws sagemaker wait endpoint-in-service --endpoint-name cli
# A second question would have come 30 s later.
test "$(curl -fsS "$AWS_ENDPOINT_URL/_emu/journal" | grep -c '"operation":"DescribeEndpoint"')" = 1
printf '0.9,1' > body
aws sagemaker-runtime invoke-endpoint --endpoint-name cli --content-type text/csv --accept application/json --body fileb://body answer
cat answer
grep -q '"predicted_label":1' answer
aws sagemaker update-endpoint --endpoint-name cli --endpoint-config-name cli-2
aws sagemaker wait endpoint-in-service --endpoint-name cli
test "$(aws sagemaker describe-endpoint --endpoint-name cli --query 'ProductionVariants[0].CurrentInstanceCount')" = 2
aws sagemaker update-endpoint-weights-and-capacities --endpoint-name cli --desired-weights-and-capacities VariantName=all,DesiredWeight=2,DesiredInstanceCount=3
aws sagemaker wait endpoint-in-service --endpoint-name cli
test "$(aws sagemaker describe-endpoint --endpoint-name cli --query 'ProductionVariants[0].[CurrentWeight == `2`, CurrentInstanceCount == `3`]' --output text)" = "True	True"

# What a user sees of an error.
printf 'no,numbers' > bad
refused '(ModelError) when calling the InvokeEndpoint operation: Received client error (415) from primary with message "' \
  sagemaker-runtime invoke-endpoint --endpoint-name cli --content-type text/csv --body fileb://bad answer
refused '(ValidationError) when calling the InvokeEndpoint operation: Endpoint none of account 000000000000 not found.' \
  sagemaker-runtime invoke-endpoint --endpoint-name none --body fileb://body answer
refused '(ValidationException) when calling the DescribeEndpoint operation: Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/none".' \
  sagemaker describe-endpoint --endpoint-name none
refused '(ResourceInUse) when calling the CreateTrainingJob operation: Training job names must be unique' \
  sagemaker create-training-job --training-job-name cli --role-arn $role --output-data-config S3OutputPath=s3://cli/models \
  --algorithm-specification TrainingImage=builtin:linear-learner,TrainingInputMode=File --stopping-condition MaxRuntimeInSeconds=60 \
  --resource-config InstanceType=ml.c5.xlarge,InstanceCount=1,VolumeSizeInGB=10
refused '(UnknownOperationException) when calling the ListPipelines operation: The operation "ListPipelines" is not known' sagemaker list-pipelines
refused '(NoSuchBucket) when calling the ListObjectsV2 operation' s3 ls s3://none

# Away with it.
aws sagemaker delete-endpoint --endpoint-name cli
aws sagemaker wait endpoint-deleted --endpoint-name cli
for count in 1 2; do
  aws sagemaker delete-endpoint-config --endpoint-config-name "cli-$count"
done
aws sagemaker delete-model --model-name cli
aws sagemaker delete-model-package --model-package-name "$package"
aws sagemaker delete-model-package-group --model-package-group-name cli
aws s3 rm --quiet --recursive s3://cli
aws s3 rb s3://cli
