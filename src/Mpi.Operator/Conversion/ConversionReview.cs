using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Operator;

/// <param name="Code">The HTTP status: 200 also where an object could not be converted, which the body then says.</param>
/// <param name="Body">JSON.</param>
/// <param name="Failure">Why not everything was converted; null when it was.</param>
public sealed record ConversionAnswer(int Code, ReadOnlyMemory<byte> Body, string? Failure);

/// <summary>
/// The body of a conversion webhook (<c>ConversionReview</c> of <c>apiextensions.k8s.io/v1</c>): any number of objects, each of any version, all to
/// become one version. The answer holds all of them in the same order, or none and the reason: the API server takes no part of a list.
/// Objects are read one at a time, so that a long list costs its bytes and one tree.
/// </summary>
public static class ConversionReview
{
    public const string ApiVersion = "apiextensions.k8s.io/v1";
    private const string Kind = "ConversionReview";

    private static readonly JsonReaderOptions Reading = new() { MaxDepth = JsonLimits.DepthMax };
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 2 * JsonLimits.DepthMax };

    /// <param name="convert">Turns an object, whose <c>apiVersion</c> says what it is, into the version named. What it throws is told to whoever asked.</param>
    public static ConversionAnswer Answer(ReadOnlySpan<byte> body, Func<JsonObject, string, JsonObject> convert)
    {
        Request request;
        try
        {
            request = Request.Read(body);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return Refuse($"the body is no {Kind} of {ApiVersion}: {broken.Message}");
        }

        var answer = new ArrayBufferWriter<byte>(body.Length + 256);
        try
        {
            using var writer = new Utf8JsonWriter(answer, Writing);
            Begin(writer, request.Uid);
            writer.WriteStartArray("convertedObjects");
            ConvertAll(body[request.Objects], request.DesiredApiVersion, convert, writer);
            writer.WriteEndArray();
            writer.WriteStartObject("result");
            writer.WriteString("status", "Success");
            End(writer);
        }
        catch (ConversionException refused)
        {
            return Fail(request.Uid, refused.Message);
        }

        return new ConversionAnswer(200, answer.WrittenMemory, null);
    }

    private static void ConvertAll(ReadOnlySpan<byte> objects, string apiVersion, Func<JsonObject, string, JsonObject> convert, Utf8JsonWriter writer)
    {
        var reader = new Utf8JsonReader(objects, Reading);
        reader.Read();
        for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var text = objects[start..(int)reader.BytesConsumed];
            var name = "";
            try
            {
                var obj = JsonNode.Parse(text, documentOptions: JsonLimits.Options) as JsonObject ?? throw new JsonException("it is no JSON object");
                name = Name(obj);
                var converted = convert(obj, apiVersion);
                if (Word(converted, "apiVersion") is var made && made != apiVersion) throw new InvalidOperationException($"it became {made}");
                converted.WriteTo(writer);
            }
            catch (Exception fault)
            {
                // Whatever is wrong with one object must not take the operator along; the API server shows the message to whoever asked.
                throw new ConversionException($"object {index + 1}{name} cannot be converted to {apiVersion}: {fault.Message}");
            }
        }
    }

    /// <summary>Such as <c> (kubeflow.org/v1 MPIJob default/pi)</c>.</summary>
    private static string Name(JsonObject obj)
    {
        var metadata = obj["metadata"] as JsonObject;
        return $" ({Word(obj, "apiVersion")} {Word(obj, "kind")} {new ObjectKey(Word(metadata, "namespace"), Word(metadata, "name"))})";
    }

    private static string Word(JsonObject? obj, string member) => obj?[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static ConversionAnswer Refuse(string why) => new(400, new ApiStatus(400, ApiReason.BadRequest, why).ToTree().ToUtf8(), why);

    private static ConversionAnswer Fail(string uid, string why)
    {
        var answer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(answer, Writing))
        {
            Begin(writer, uid);
            writer.WriteStartObject("result");
            writer.WriteString("status", "Failure");
            writer.WriteString("message", why);
            End(writer);
        }

        return new ConversionAnswer(200, answer.WrittenMemory, why);
    }

    private static void Begin(Utf8JsonWriter writer, string uid)
    {
        writer.WriteStartObject();
        writer.WriteString("apiVersion", ApiVersion);
        writer.WriteString("kind", Kind);
        writer.WriteStartObject("response");
        writer.WriteString("uid", uid);
    }

    /// <summary>Closes result, response and review.</summary>
    private static void End(Utf8JsonWriter writer)
    {
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <param name="Objects">Where in the body the array stands.</param>
    private sealed record Request(string Uid, string DesiredApiVersion, Range Objects)
    {
        /// <summary>Members may come in any order, so the objects are found first and read afterwards.</summary>
        /// <exception cref="JsonException">The body is something else.</exception>
        public static Request Read(ReadOnlySpan<byte> body)
        {
            var reader = new Utf8JsonReader(body, Reading);
            string? apiVersion = null, kind = null, uid = null, desired = null;
            Range? objects = null;
            Enter(ref reader);
            while (NextMember(ref reader) is { } member)
            {
                switch (member)
                {
                    case "apiVersion": apiVersion = Text(ref reader); break;
                    case "kind": kind = Text(ref reader); break;
                    case "request":
                        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("request is no object");
                        while (NextMember(ref reader) is { } inner)
                        {
                            switch (inner)
                            {
                                case "uid": uid = Text(ref reader); break;
                                case "desiredAPIVersion": desired = Text(ref reader); break;
                                case "objects":
                                    if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException("request.objects is no list");
                                    var start = (int)reader.TokenStartIndex;
                                    reader.Skip();
                                    objects = start..(int)reader.BytesConsumed;
                                    break;
                                default: reader.Skip(); break;
                            }
                        }

                        break;
                    default: reader.Skip(); break;
                }
            }

            // To its end: what follows the review is no review.
            if (reader.Read()) throw new JsonException("something follows it");
            if (apiVersion != ApiVersion || kind != Kind) throw new JsonException($"it is {apiVersion} {kind}");
            return new Request(
                uid is { Length: > 0 } ? uid : throw new JsonException("request.uid is missing"),
                desired is { Length: > 0 } ? desired : throw new JsonException("request.desiredAPIVersion is missing"),
                objects ?? throw new JsonException("request.objects is missing"));
        }

        private static void Enter(ref Utf8JsonReader reader)
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("it is no JSON object");
        }

        /// <summary>The next member's name, the reader on its value; null at the object's end.</summary>
        private static string? NextMember(ref Utf8JsonReader reader)
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.PropertyName) return null;
            var name = reader.GetString();
            reader.Read();
            return name;
        }

        private static string? Text(ref Utf8JsonReader reader)
        {
            if (reader.TokenType == JsonTokenType.String) return reader.GetString();
            reader.Skip();
            return null;
        }
    }

    private sealed class ConversionException(string message) : Exception(message);
}
