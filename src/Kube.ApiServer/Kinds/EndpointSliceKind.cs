using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class EndpointSliceKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.EndpointSlice;
    public override bool HasGeneration => true;
    public override bool ChangesGeneration(JsonObject obj, JsonObject old) => !obj["endpoints"].SameAs(old["endpoints"]) || !obj["ports"].SameAs(old["ports"]);
}
