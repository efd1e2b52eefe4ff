# bitcoind and geth (with a consensus client) on EC2: two of each in different zones, so that the listener can
# compare them; disks outlive instances and are snapshotted daily.

data "aws_ssm_parameter" "machine_image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
}

data "aws_subnet" "private" {
  count = length(var.private_subnet_ids)

  id = var.private_subnet_ids[count.index]
}

locals {
  ports = {
    bitcoin  = { rpc = 8332, peer = 8333 }
    ethereum = { rpc = 8545, peer = 30303 }
  }

  # bitcoin-0, bitcoin-1, ethereum-0, ethereum-1
  nodes = merge([
    for chain, node in var.nodes : {
      for index in range(node.count) : "${chain}-${index}" => merge(node, { chain = chain, subnet = index % length(var.private_subnet_ids) })
    }
  ]...)
}

resource "aws_security_group" "node" {
  for_each = var.nodes

  name        = "${var.name}-node-${each.key}"
  description = "RPC from the chain processes; peers go out through NAT"
  vpc_id      = var.vpc_id

  ingress {
    description     = "RPC"
    from_port       = local.ports[each.key].rpc
    to_port         = local.ports[each.key].rpc
    protocol        = "tcp"
    security_groups = var.client_security_group_ids
  }

  egress {
    description = "Peers and package mirrors"
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = { Name = "${var.name}-node-${each.key}" }
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "node" {
  for_each = var.nodes

  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [each.value.rpc_secret_arn]
  }

  statement {
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]
  }
}

resource "aws_iam_role" "node" {
  for_each = var.nodes

  name               = "${var.name}-node-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "node" {
  for_each = var.nodes

  name   = "read-rpc-secret"
  role   = aws_iam_role.node[each.key].id
  policy = data.aws_iam_policy_document.node[each.key].json
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  for_each = var.nodes

  role       = aws_iam_role.node[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "node" {
  for_each = var.nodes

  name = "${var.name}-node-${each.key}"
  role = aws_iam_role.node[each.key].name
}

resource "aws_ebs_volume" "chain" {
  for_each = local.nodes

  availability_zone = data.aws_subnet.private[each.value.subnet].availability_zone
  type              = "gp3"
  size              = each.value.disk_gib
  iops              = each.value.disk_iops
  throughput        = 500
  encrypted         = true
  kms_key_id        = var.key_arn

  tags = {
    Name     = "${var.name}-${each.key}"
    Snapshot = "daily"
  }
}

resource "aws_instance" "node" {
  for_each = local.nodes

  ami                         = data.aws_ssm_parameter.machine_image.value
  instance_type               = each.value.instance_type
  subnet_id                   = var.private_subnet_ids[each.value.subnet]
  vpc_security_group_ids      = [aws_security_group.node[each.value.chain].id]
  iam_instance_profile        = aws_iam_instance_profile.node[each.value.chain].name
  associate_public_ip_address = false
  monitoring                  = true
  ebs_optimized               = true
  user_data_replace_on_change = true

  user_data = templatefile("${path.module}/${each.value.chain}.sh.tftpl", {
    version    = each.value.software_version
    sha256     = each.value.software_sha256
    network    = var.network
    secret_arn = each.value.rpc_secret_arn
  })

  metadata_options {
    http_tokens = "required"
  }

  root_block_device {
    encrypted  = true
    kms_key_id = var.key_arn
  }

  tags = { Name = "${var.name}-${each.key}" }

  lifecycle {
    ignore_changes = [ami] # Replaced on purpose, one node at a time; docs/operations/chain-nodes.md.
  }
}

resource "aws_volume_attachment" "chain" {
  for_each = local.nodes

  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.chain[each.key].id
  instance_id = aws_instance.node[each.key].id
}

data "aws_iam_policy_document" "snapshots_assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["dlm.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "snapshots" {
  name               = "${var.name}-chain-snapshots"
  assume_role_policy = data.aws_iam_policy_document.snapshots_assume.json
}

resource "aws_iam_role_policy_attachment" "snapshots" {
  role       = aws_iam_role.snapshots.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole"
}

# A new node starts from yesterday's chain instead of days of download.
resource "aws_dlm_lifecycle_policy" "daily" {
  description        = "Daily snapshots of chain disks kept for a week"
  execution_role_arn = aws_iam_role.snapshots.arn
  state              = "ENABLED"

  policy_details {
    resource_types = ["VOLUME"]
    target_tags    = { Snapshot = "daily" }

    schedule {
      name = "daily"

      create_rule {
        interval      = 24
        interval_unit = "HOURS"
        times         = ["03:00"]
      }

      retain_rule {
        count = 7
      }
    }
  }
}
