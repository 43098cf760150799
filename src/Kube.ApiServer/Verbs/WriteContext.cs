using System.Collections.Immutable;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>One write: what asked for it, what it says about itself, and what is to be said to its author.</summary>
internal sealed class WriteContext
{
    public WriteContext(ServerState server, ResourceCall call)
    {
        Server = server;
        Call = call;
        Now = server.Time.GetUtcNow();
        WriteParameters.Validate(call);
        DryRun = call.Query.All("dryRun").Any();
        FieldValidation = call.Query.Text("fieldValidation") switch
        {
            "Strict" => FieldValidation.Strict,
            "Ignore" => FieldValidation.Ignore,
            _ => FieldValidation.Warn,
        };
    }

    public ServerState Server { get; }
    public ResourceCall Call { get; }
    public DateTimeOffset Now { get; }

    /// <summary>Everything is checked and answered, nothing stored.</summary>
    public bool DryRun { get; }

    public FieldValidation FieldValidation { get; }

    /// <summary>Who writes, for <c>managedFields</c>: as the request says, else the program that its User-Agent begins with.</summary>
    public string Manager => FieldManagers.Name(Call);

    public List<string> Warnings { get; } = [];
    public KindStrategy Strategy => Call.Resource.Strategy;
    public ResourceKind Kind => Call.Resource.Kind;
}

/// <summary>What is done about unknown and duplicate members (query parameter <c>fieldValidation</c>).</summary>
internal enum FieldValidation { Warn, Strict, Ignore }
