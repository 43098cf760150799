using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class NodeKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Node;
    public override ImmutableArray<string> ShortNames => ["no"];
    public override bool HasStatus => true;
}
