using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class JobKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Job;
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
}
