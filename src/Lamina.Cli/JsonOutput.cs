using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lamina.Cli;

/// <summary>JSON on a text writer, written as it comes.</summary>
internal sealed class JsonOutput : IDisposable
{
    /// <summary>Characters kept before they are passed on.</summary>
    private const int Enough = 1 << 16;

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly TextWriter _output;

    public JsonOutput(TextWriter output)
    {
        _output = output;
        Writer = new Utf8JsonWriter(_buffer, new JsonWriterOptions
        {
            Indented = true,
            NewLine = "\n",
            MaxDepth = NodePath.MaxDepth * 2 + 16,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,      // text stays readable; nobody puts this into a web page
        });
    }

    public Utf8JsonWriter Writer { get; }

    /// <summary>Passes on what there is, if it is worth the while.</summary>
    public void Step()
    {
        if (Writer.BytesPending + _buffer.WrittenCount > Enough)
            Pass();
    }

    /// <summary>A list of texts.</summary>
    public void WriteStrings(string name, IEnumerable<string> values)
    {
        Writer.WriteStartArray(name);
        foreach (string value in values)
            Writer.WriteStringValue(value);
        Writer.WriteEndArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pass();
        Writer.Dispose();
        _output.Write('\n');
    }

    private void Pass()
    {
        Writer.Flush();
        _output.Write(Encoding.UTF8.GetString(_buffer.WrittenSpan));
        _buffer.ResetWrittenCount();
    }
}
