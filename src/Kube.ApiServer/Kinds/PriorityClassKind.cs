using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PriorityClassKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.PriorityClass;
    public override ImmutableArray<string> ShortNames => ["pc"];
    public override bool HasGeneration => true;
}
