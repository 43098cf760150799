using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class PodDisruptionBudgetKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.PodDisruptionBudget;
    public override ImmutableArray<string> ShortNames => ["pdb"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
}
