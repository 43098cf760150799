using System.Text.Json;
using System.Text;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Bodies in YAML, which a client may send and ask for in place of JSON: the same values in other letters.</summary>
internal static class YamlAnswers
{
    /// <summary>Whether the first form that a client accepts, and that can be served, is YAML.</summary>
    public static bool IsWanted(string accept)
    {
        foreach (var entry in accept.Split(','))
        {
            switch (entry.Split(';')[0].Trim())
            {
                case MediaType.Yaml:
                    return true;
                case MediaType.Json or "application/*" or "*/*" or "":
                    return false;
            }
        }

        return false;
    }

    /// <summary>An answer's JSON as YAML; streams and texts stay what they are.</summary>
    public static ApiResponse Of(ApiResponse response)
    {
        if (response is not ApiResponse.Content { ContentType: MediaType.Json } content) return response;
        var whole = new byte[content.Parts.Sum(static p => p.Length)];
        var at = 0;
        foreach (var part in content.Parts)
        {
            part.CopyTo(whole.AsMemory(at));
            at += part.Length;
        }

        return content with { Parts = [Encoding.UTF8.GetBytes(Yaml.Write(JsonElement.Parse(whole)))], ContentType = MediaType.Yaml };
    }

    /// <summary>A request's YAML as JSON.</summary>
    public static ReadOnlyMemory<byte> ToJson(ReadOnlyMemory<byte> yaml)
    {
        try
        {
            return Yaml.Read(Encoding.UTF8.GetString(yaml.Span)) is [var only]
                ? only.Root.ToUtf8()
                : throw Failures.BadRequest("the object provided is unrecognized: one YAML document is expected");
        }
        catch (YamlSyntaxException broken)
        {
            throw Failures.BadRequest($"the object provided is unrecognized (must be of type YAML): {broken.Message}");
        }
    }
}
