using Kube.Types;

namespace Kube.ApiServer;

/// <summary>From the Accept header to a representation: the first of its entries that can be served.</summary>
internal static class Negotiation
{
    public static Representation For(ResourceCall call, TimeProvider time)
    {
        var accept = call.Request.Accept;
        if (accept.Length == 0) return new PlainRepresentation(call.Resource);
        foreach (var entry in accept.Split(','))
        {
            var parts = entry.Split(';', StringSplitOptions.TrimEntries);
            if (parts[0] is not (MediaType.Json or MediaType.Yaml or "application/*" or "*/*")) continue;
            switch (Parameter(parts, "as"), Parameter(parts, "g"), Parameter(parts, "v"))
            {
                case ("", _, _):
                    return new PlainRepresentation(call.Resource);
                case ("Table", "meta.k8s.io", "v1"):
                    return new TableRepresentation(call.Resource, call.Query.Text("includeObject"), time);
                case ("PartialObjectMetadata" or "PartialObjectMetadataList", "meta.k8s.io", "v1"):
                    return new PartialMetadata();
            }
        }

        throw Failures.NotAcceptable("only the following media types are accepted: application/json, application/yaml");
    }

    /// <summary>For answers that are no stored objects: whether a table is the first that the client takes.</summary>
    public static bool WantsTable(ResourceCall call, TimeProvider time) => For(call, time) is TableRepresentation;

    internal static string Parameter(string[] parts, string name)
    {
        foreach (var part in parts.AsSpan(1))
        {
            if (part.StartsWith(name, StringComparison.Ordinal) && part.Length > name.Length && part[name.Length] == '=') return part[(name.Length + 1)..];
        }

        return "";
    }
}
