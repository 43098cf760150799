using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class StatefulSetKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.StatefulSet;
    public override ImmutableArray<string> ShortNames => ["sts"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
}
