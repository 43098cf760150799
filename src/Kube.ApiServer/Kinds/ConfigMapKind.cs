using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ConfigMapKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ConfigMap;
    public override ImmutableArray<string> ShortNames => ["cm"];
}
