using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class EndpointsKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Endpoints;
    public override ImmutableArray<string> ShortNames => ["ep"];
    public override bool AllowsCreateOnUpdate => true;
}
